package apply

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
)

func objectOf(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAStepTakesGeneratedValuesFromTheLiveObject(t *testing.T) {
	const rendered = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"web"},"data":{"password":"of-this-render","token":"of-this-render","level":"info"}}`
	s := &plan.Step{Object: &desired.Object{Ref: objecttest.Ref("ConfigMap", "web"), Manifest: objectOf(t, rendered), Body: []byte(rendered),
		First: []byte(rendered), Generated: []string{"/data/password", "/data/token"}}}
	live := objectOf(t, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"web","resourceVersion":"7"},"data":{"password":"first","level":"debug"}}`)
	got, err := withValues(s, live)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"apiVersion":"v1","data":{"level":"info","password":"first","token":"of-this-render"},"kind":"ConfigMap","metadata":{"name":"web"}}`
	if string(got.Body) != want || string(got.First) != want || jsonOf(got.Manifest.Object) != want {
		t.Errorf("it sends %s, creates %s", got.Body, got.First)
	}
	if got.Version != "7" || got.Live != nil {
		t.Errorf("it writes version %q over %v", got.Version, got.Live)
	}
	if strings.Contains(string(s.Body), "first") {
		t.Error("the step of the plan has changed")
	}

	s.Live = objectOf(t, rendered)
	if got, err = withValues(s, live); err != nil || got.Live != live {
		t.Errorf("it compares with %v, %v", got.Live, err)
	}
	if got := jsonOf(shown(s, live).Object["data"]); got != `{"level":"debug","password":"(generated)"}` {
		t.Errorf("a report shows %s", got)
	}
	if got := withoutValues(s, `data.token: Invalid value: "of-this-render": too long`); got != `data.token: Invalid value: "(generated)": too long` {
		t.Errorf("an error says %s", got)
	}
	if got := withoutValues(&plan.Step{Object: &desired.Object{}}, "text"); got != "text" {
		t.Errorf("an error says %s", got)
	}
}
