package desired

import (
	"encoding/json"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
)

func TestIgnoredFieldsAreCutOut(t *testing.T) {
	const manifest = `{"metadata":{"name":"web","labels":{"tier":"front"}},"spec":{"replicas":3,"list":[{"name":"a","image":"1"},{"name":"b","image":"2"}]}}`
	tests := []struct {
		rule app.Ignore
		want string // of spec; empty when the rule is not about the object
	}{
		{app.Ignore{Kind: "Deployment", Name: "web", Paths: []string{"/spec/replicas"}}, `{"list":[{"image":"1","name":"a"},{"image":"2","name":"b"}]}`},
		{app.Ignore{Kind: "StatefulSet", Paths: []string{"/spec/replicas"}}, ""},
		{app.Ignore{Group: "apps", Namespace: "sh*", Labels: map[string]string{"tier": "front"}, Paths: []string{"/spec/list/*/image"}}, `{"list":[{"name":"a"},{"name":"b"}],"replicas":3}`},
		{app.Ignore{Labels: map[string]string{"tier": "back"}, Paths: []string{"/spec/replicas"}}, ""},
		{app.Ignore{Name: "w?b", Paths: []string{"/spec/list/1", "/spec/none/x"}}, `{"list":[{"image":"1","name":"a"}],"replicas":3}`},
		{app.Ignore{Paths: []string{"/spec/list/b/image", "/spec/replicas/deeper"}}, `{"list":[{"image":"1","name":"a"},{"name":"b"}],"replicas":3}`},
		{app.Ignore{Managers: []string{"scaler"}}, `{"list":[{"image":"1","name":"a"},{"image":"2","name":"b"}],"replicas":3}`},
	}
	for _, test := range tests {
		o := wantedObject("Deployment", "web")
		if err := json.Unmarshal([]byte(manifest), &o.Manifest.Object); err != nil {
			t.Fatal(err)
		}
		if err := ignoreFields([]app.Ignore{test.rule}, []*Object{o}); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(o.Manifest.Object["spec"])
		if err != nil || (o.First == nil) != (test.want == "") || test.want != "" && string(got) != test.want {
			t.Errorf("%+v: got %s (%v), want %s", test.rule, got, err, test.want)
		}
	}
}
