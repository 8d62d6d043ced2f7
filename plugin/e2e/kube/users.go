package kube

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	authn "k8s.io/api/authentication/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
)

// users hands out bearer tokens and answers the API server's token reviews, so that a test can invent a user at any
// time (a token file is read only when the server starts).
type users struct {
	mu     sync.Mutex
	tokens map[string]string // user and groups -> token
	known  map[string]authn.UserInfo
}

// token returns the bearer token of user in groups. The same user and groups get the same token.
func (u *users) token(user string, groups []string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := user + "\x00" + strings.Join(groups, "\x00")
	token, ok := u.tokens[key]
	if !ok {
		token = rand.Text()
		u.tokens[key] = token
		u.known[token] = authn.UserInfo{Username: user, UID: user, Groups: slices.Clone(groups)}
	}
	return token
}

// ServeHTTP is the webhook of the API server's --authentication-token-webhook-config-file.
func (u *users) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var review authn.TokenReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	u.mu.Lock()
	user, ok := u.known[review.Spec.Token]
	u.mu.Unlock()
	review.Spec = authn.TokenReviewSpec{}
	review.Status = authn.TokenReviewStatus{Authenticated: ok, User: user}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review) // the API server hung up: it will ask again
}

func (c *Cluster) makeCredentials(context.Context) error {
	addresses := []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(ServiceAddress)}
	crt, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", addresses, []string{"localhost", "kubernetes.default.svc"})
	if err != nil {
		return err
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(signer)
	if err != nil {
		return err
	}
	c.CA = crt
	c.users = &users{tokens: map[string]string{}, known: map[string]authn.UserInfo{}}
	return errors.Join(
		c.write("server.crt", crt),
		c.write("server.key", key),
		c.writeKubeletClient(),
		c.write("service-account.key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
	)
}

// writeKubeletClient writes the certificate by which the API server, and nobody else, may ask a kubelet for logs.
func (c *Cluster) writeKubeletClient() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kube-apiserver"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	crt, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		c.write("kubelet-client.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: crt})),
		c.write("kubelet-client.key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
	)
}

// writeServerFiles writes what the API server reads, and the administrator's kubeconfig.
func (c *Cluster) writeServerFiles() error {
	webhook := httptest.NewServer(c.users)
	c.cleanup = append(c.cleanup, webhook.Close)
	if err := clientcmd.WriteToFile(*NewKubeconfig(webhook.URL, nil, "", ""), filepath.Join(c.Dir, "authn.kubeconfig")); err != nil {
		return err
	}
	admin, err := c.KubeconfigFor("admin", "system:masters")
	c.Kubeconfig = admin
	return errors.Join(err, c.write("audit-policy.yaml", []byte(auditPolicy)))
}

func (c *Cluster) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(c.Dir, name), data, 0o600)
}

// KubeconfigFor writes a kubeconfig for user in groups and returns its path. The user has the rights that RBAC gives
// to it and to its groups; system:masters may do everything. The same user and groups give the same file.
func (c *Cluster) KubeconfigFor(user string, groups ...string) (string, error) {
	name := strings.NewReplacer(":", "-", "/", "-").Replace(strings.Join(append([]string{user}, groups...), "+"))
	path := filepath.Join(c.Dir, name+".kubeconfig")
	return path, clientcmd.WriteToFile(*NewKubeconfig(c.Host, c.CA, c.users.token(user, groups), ""), path)
}

// NewKubeconfig returns a kubeconfig with one context. An empty ca, token or namespace is left out.
func NewKubeconfig(host string, ca []byte, token, namespace string) *api.Config {
	const name = "e2e"
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: host, CertificateAuthorityData: ca}
	config.AuthInfos[name] = &api.AuthInfo{Token: token}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name, Namespace: namespace}
	config.CurrentContext = name
	return config
}
