package desired

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
)

// certificate is a CA as injectors write it.
const certificate = `-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUDhK0aWKpPxQ8dWfa5H9rTj0sJVIwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHdGVzdC1jYTAeFw0yNjAxMDEwMDAwMDBaFw0zNjAxMDEwMDAw
MDBaMBIxEDAOBgNVBAMMB3Rlc3QtY2EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
-----END CERTIFICATE-----
`

func TestFieldLeftToControllers(t *testing.T) {
	const hooks = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: x}\nwebhooks:\n"
	const crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\nspec: {conversion: {webhook: {clientConfig: {"
	const role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: x}\n"
	for _, test := range []struct {
		name, manifest string
		left           string // pointers, joined by spaces
		notes          int
	}{
		{"P5 empty rules", role + "aggregationRule: {clusterRoleSelectors: []}\nrules: []", "/rules", 0},
		{"P5 null rules", role + "aggregationRule: {}\nrules: null", "/rules", 0},
		{"P5 rules of Git's", role + "aggregationRule: {}\nrules: [{verbs: [get]}]", "/rules", 1},
		{"P5 no rules", role + "aggregationRule: {}", "", 0},
		{"P5 not aggregated", role + "rules: [{verbs: [get]}]", "", 0},
		{"P5 aggregationRule is null", role + "aggregationRule: null\nrules: [{verbs: [get]}]", "", 0},
		{"P5 a Role", "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\naggregationRule: {}\nrules: []", "", 0},
		{"P6 a line feed", crd + "caBundle: Cg==}}}}", "/spec/conversion/webhook/clientConfig/caBundle", 0},
		{"P6 empty", crd + "caBundle: ''}}}}", "/spec/conversion/webhook/clientConfig/caBundle", 0},
		{"P6 null", crd + "caBundle: null}}}}", "/spec/conversion/webhook/clientConfig/caBundle", 0},
		{"P6 no certificate", crd + "caBundle: cGxhY2Vob2xkZXI=}}}}", "/spec/conversion/webhook/clientConfig/caBundle", 1},
		{"P6 not even base64", crd + "caBundle: '${CA}'}}}}", "/spec/conversion/webhook/clientConfig/caBundle", 1},
		{"P6 a certificate that cannot be read", crd + "caBundle: " + base64.StdEncoding.EncodeToString([]byte(certificate)) + "}}}}",
			"/spec/conversion/webhook/clientConfig/caBundle", 1},
		{"P6 a certificate", crd + "caBundle: " + base64.StdEncoding.EncodeToString([]byte(validCertificate(t))) + "}}}}", "", 0},
		{"P6 a certificate after a placeholder", crd + "caBundle: " + base64.StdEncoding.EncodeToString([]byte("\n"+validCertificate(t))) + "}}}}", "", 0},
		{"P6 no bundle", crd + "url: 'https://example.com'}}}}", "", 0},
		{"P6 no conversion", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\nspec: {}", "", 0},
		{"P6 webhooks", hooks + "- {name: a.example.com, clientConfig: {caBundle: Cg==}}\n- {name: b.example.com, clientConfig: {}}\n- {name: c.example.com, clientConfig: {caBundle: bm9uZQ==}}",
			"/webhooks/a.example.com/clientConfig/caBundle /webhooks/c.example.com/clientConfig/caBundle", 1},
		{"P6 an API service", "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: x}\nspec: {caBundle: Cg==}", "/spec/caBundle", 0},
		{"P6 another kind", "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}\nspec: {caBundle: Cg==}", "", 0},
		{"P6 malformed", hooks + "- nonsense\n- {name: b, clientConfig: nonsense}", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(test.manifest), &u.Object); err != nil {
				t.Fatal(err)
			}
			gvk := u.GroupVersionKind()
			o := &Object{Ref: cluster.Ref{Kind: cluster.Kind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}}, Manifest: u}
			before := asJSON(t, u.Object)
			leaveToControllers(o)
			if got := strings.Join(o.Released, " "); got != test.left {
				t.Errorf("left to controllers: %q, want %q", got, test.left)
			}
			if len(o.Notes) != test.notes {
				t.Errorf("notes: %q", o.Notes)
			}
			if len(filledIn(o.Ref.Kind, u)) > 0 {
				t.Error("it is still in the manifest")
			}
			if test.left == "" && asJSON(t, u.Object) != before {
				t.Error("the manifest changed")
			}
		})
	}
}

// validCertificate makes a certificate.
func validCertificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
