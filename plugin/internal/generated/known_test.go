package generated_test

import (
	"encoding/base64"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
)

func TestValuesOfOtherObjectsCompleteAnObject(t *testing.T) {
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	const newCA, oldCA, newPassword, oldPassword = "certificate of this render", "certificate that is there", "password-2", "password-1"
	known := generated.Known{}
	pointers := []string{"/data/ca.crt", "/data/password", "/data/tls.key", "/data/short"}
	known.Learn(object(t, `{"data":{"ca.crt":"`+b64(newCA)+`","password":"`+b64(newPassword)+`","tls.key":"`+b64("key of this render")+`","short":"a"}}`),
		object(t, `{"data":{"ca.crt":"`+b64(oldCA)+`","password":"`+b64(oldPassword)+`","short":"b"}}`), pointers)
	known.Learn(object(t, `{"data":{"twice":"value that is twice"}}`), object(t, `{"data":{"twice":"one"}}`), []string{"/data/twice"})
	known.Learn(object(t, `{"data":{"twice":"value that is twice"}}`), object(t, `{"data":{"twice":"other"}}`), []string{"/data/twice"})
	for _, c := range []struct {
		name, object, want string
		missing            []string
	}{
		{"a webhook", `{"caBundle":"` + b64(newCA) + `"}`, `{"caBundle":"` + b64(oldCA) + `"}`, []string{"/caBundle"}},
		{"as plain text", `{"data":{"ca":"` + newCA + `"}}`, `{"data":{"ca":"` + oldCA + `"}}`, []string{"/data/ca"}},
		{"a workload with a checksum", `{"metadata":{"annotations":{"sum":"1"}},"env":[{"name":"P","value":"` + newPassword + `"}]}`,
			`{"env":[{"name":"P","value":"` + oldPassword + `"}],"metadata":{"annotations":{"sum":"1"}}}`, []string{"/env/P/value", "/metadata/annotations/sum"}},
		{"with a value that is not known", `{"data":{"ca":"` + newCA + `","key":"x"}}`, `{"data":{"ca":"` + newCA + `","key":"x"}}`, []string{"/data/ca", "/data/key"}},
		{"a value that is missing there, too", `{"key":"` + b64("key of this render") + `"}`, `{"key":"` + b64("key of this render") + `"}`, []string{"/key"}},
		{"a short value", `{"n":"a"}`, `{"n":"a"}`, []string{"/n"}},
		{"a value that is not unique there", `{"n":"value that is twice"}`, `{"n":"value that is twice"}`, []string{"/n"}},
		{"a number", `{"n":7}`, `{"n":7}`, []string{"/n"}},
	} {
		o := object(t, c.object)
		if known.Complete(o, c.missing); text(t, o) != c.want {
			t.Errorf("%s: got %s, want %s", c.name, text(t, o), c.want)
		}
	}
	if missing := generated.Missing(object(t, `{"data":{"a":"b"}}`), []string{"/data/a", "/data/b"}); len(missing) != 1 || missing[0] != "/data/b" {
		t.Errorf("missing %q", missing)
	}
}
