package health

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

func manifest(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return u
}

// expectation is what the first line of a document says: "# Degraded: a part of the message".
func expectation(doc string) (health, message string) {
	first, _, _ := strings.Cut(doc, "\n")
	health, message, _ = strings.Cut(strings.TrimPrefix(first, "# "), ": ")
	return health, message
}

func checkHealth(t *testing.T, where, doc string, rules *Rules) {
	t.Helper()
	want, message := expectation(doc)
	u := manifest(t, doc)
	h, got := rules.Of(u)
	if string(h) != want || message == "" && got != "" || !strings.Contains(got, message) {
		t.Errorf("%s: %s %s is %s %q, want %s %q", where, u.GetKind(), u.GetName(), h, got, want, message)
	}
}

func TestHealthOfKnownKinds(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for doc := range strings.SplitSeq(string(data), "---\n") {
			checkHealth(t, filepath.Base(file), doc, nil)
		}
	}
	if h, _ := Of(nil); h != Missing {
		t.Error(h)
	}
}

// TestExamplesOfTheDocs evaluates the rules in docs/health.md: each block of rules with the objects that follow it.
func TestExamplesOfTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../../docs/health.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	var rules *Rules
	judged := 0
	for _, b := range blocks {
		if !strings.HasPrefix(b[1], "health:") {
			for doc := range strings.SplitSeq(b[1], "---\n") {
				checkHealth(t, "docs/health.md", doc, rules)
				judged++
			}
			continue
		}
		var example struct {
			Health []Rule `json:"health"`
		}
		if err := yaml.UnmarshalStrict([]byte(b[1]), &example); err != nil {
			t.Fatal(err)
		}
		if rules, err = Compile(example.Health); err != nil {
			t.Error(err)
		}
	}
	if judged < 4 {
		t.Errorf("only %d objects in the examples", judged)
	}
}

const widget = `
apiVersion: example.com/v1
kind: Widget
metadata: {name: w, generation: 3}
spec: {size: 5}
status: {observedGeneration: 3, phase: Running, ready: 3, error: ""}
`

func TestRules(t *testing.T) {
	for name, tt := range map[string]struct {
		rule    Rule
		object  string
		want    State
		message string
	}{
		"healthy":             {Rule{Healthy: "object.status.phase == 'Running'"}, widget, Healthy, ""},
		"not yet":             {Rule{Healthy: "object.status.ready ==  object.spec.size"}, widget, Progressing, "waiting for object.status.ready == object.spec.size"},
		"with a message":      {Rule{Healthy: "object.status.ready == object.spec.size", Message: "string(object.status.ready) + ' of ' + string(object.spec.size)"}, widget, Progressing, "3 of 5"},
		"degraded wins":       {Rule{Healthy: "true", Degraded: "object.status.ready < 4"}, widget, Degraded, "object.status.ready < 4"},
		"suspended":           {Rule{Healthy: "false", Suspended: "object.spec.size == 5"}, widget, Suspended, ""},
		"the rest to kstatus": {Rule{Degraded: "object.status.error != ''"}, widget, Healthy, ""},
		"of the group":        {Rule{Group: "example.com", Degraded: "true"}, widget, Degraded, "true"},
		"of another group":    {Rule{Group: "other.com", Degraded: "true"}, widget, Healthy, ""},
		"a field that is not there": {Rule{Healthy: "object.status.nope == 1"}, widget, Unknown,
			"health rule healthy: object.status.nope == 1: no such key: nope"},
		"one fails, another is true": {Rule{Healthy: "true", Degraded: "object.status.nope"}, widget, Healthy, ""},
		"not a bool":                 {Rule{Healthy: "object.status.phase"}, widget, Unknown, "it gives string, not true or false"},
		"generation": {Rule{Healthy: "true"}, strings.Replace(widget, "observedGeneration: 3", "observedGeneration: 2", 1), Progressing,
			"waiting for the controller"},
		"too costly": {Rule{Healthy: "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, a+b+c+d+e < 100)))))"},
			widget, Unknown, "cost limit"},
		"a macro": {Rule{Healthy: "has(object.status.conditions) && object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')"},
			widget, Progressing, "waiting for has("},
	} {
		tt.rule.Kind = "Widget"
		rules, err := Compile([]Rule{tt.rule})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		h, message := rules.Of(manifest(t, tt.object))
		if h != tt.want || !strings.Contains(message, tt.message) || tt.want == Healthy && message != "" {
			t.Errorf("%s: %s %q, want %s %q", name, h, message, tt.want, tt.message)
		}
	}
	var none *Rules
	if h, _ := none.Of(nil); h != Missing {
		t.Error("no rules:", h)
	}
}

func TestRulesThatDoNotCompile(t *testing.T) {
	for want, r := range map[string]Rule{
		"health rule of Widget: healthy: Syntax error":                        {Kind: "Widget", Healthy: "object.status.phase == "},
		"health rule of Widget.example.com: degraded: undeclared reference":   {Kind: "Widget", Group: "example.com", Degraded: "obj.status.x"},
		"health rule of Widget: healthy: 'x' gives string, not bool":          {Kind: "Widget", Healthy: "'x'"},
		"health rule of Widget: message: 1 gives int, not string":             {Kind: "Widget", Healthy: "true", Message: "1"},
		"health rule of Widget has no expression":                             {Kind: "Widget", Message: "'x'"},
		"a health rule names no kind":                                         {Healthy: "true"},
		"a health rule cannot judge Secrets":                                  {Kind: "Secret", Healthy: "true"},
		"health rule of Widget: healthy: the expression is longer than 8192 ": {Kind: "Widget", Healthy: strings.Repeat("true || ", 2000) + "true"},
	} {
		_, err := Compile([]Rule{{Kind: "Fine", Healthy: "true"}, r})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		} else if !strings.Contains(want, "longer") && len(hint.Of(err)) == 0 {
			t.Errorf("%v: no hint", err)
		}
	}
	_, err := Compile([]Rule{{Kind: "Widget", Healthy: "object.status.phase ==\n  objct.x"}})
	if err == nil || !strings.HasSuffix(err.Error(), "\n  objct.x\n  ^") {
		t.Errorf("the place of the mistake is not shown: %v", err)
	}
}

func TestUnhealthySince(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`{status: {conditions: [{type: Ready, status: "False", lastTransitionTime: "2026-11-25T10:00:00Z"}]}}`:                                          at,
		`{status: {conditions: [{type: Ready, status: "True", lastTransitionTime: "2026-11-25T11:00:00Z"}]}}`:                                           {},
		`{status: {conditions: [{type: Failed, status: "True", lastTransitionTime: "2026-11-25T10:00:00Z"}, {type: Ready, status: "False"}]}}`:          at,
		`{status: {conditions: [{type: Progressing, status: "True"}, {type: Available, status: "False", lastTransitionTime: "2026-11-25T10:00:00Z"}]}}`: at,
		`{status: {conditions: [{type: Ready, status: "False", lastTransitionTime: "yesterday"}]}}`:                                                     {},
		`{status: {}}`: {},
	} {
		if got := UnhealthySince(manifest(t, "{apiVersion: v1, kind: X, "+text[1:])); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func BenchmarkRule(b *testing.B) {
	rules, err := Compile([]Rule{{Kind: "Widget", Healthy: "object.status.phase == 'Running' && object.status.ready >= object.spec.size"}})
	if err != nil {
		b.Fatal(err)
	}
	u := manifest(b, widget)
	for b.Loop() {
		rules.Of(u)
	}
}
