package ui

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

func printed(t *testing.T, format string, v any, names ...string) string {
	t.Helper()
	o := Output{Format: format}
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	handled, err := o.Print(&out, v, names)
	if err != nil || !handled {
		t.Fatalf("-o %s: handled %v, %v", format, handled, err)
	}
	return out.String()
}

func TestDocuments(t *testing.T) {
	list := statusList()
	list.Items = list.Items[:1]
	golden(t, "status.json", printed(t, FormatJSON, list))
	golden(t, "status.yaml", printed(t, FormatYAML, list))

	one := status.List{TypeMeta: list.TypeMeta, Items: []status.App{resources()}}
	golden(t, "resources.json", printed(t, FormatJSON, one))

	runs := history()
	runs.Items = runs.Items[1:3]
	golden(t, "history.json", printed(t, FormatJSON, runs))

	golden(t, "report.json", printed(t, FormatJSON, fullReport()))
}

func fullReport() report.List {
	app := appReport(report.ResultReverted, report.Counts{Reverted: 1, Pruned: 1, Unchanged: 15})
	app.Previous = raise.Commit
	app.Revision.Subject = "api <1.9 & web -> 1.8.2"
	app.Pruned = []string{"v1/ConfigMap/payments/api-env-2m8d1"}
	app.Objects = report.Objects{Total: 16, Healthy: 16}
	app.Changes = []report.Change{
		{Object: "apps/Deployment/payments/worker", Short: "deployment.apps/worker", Origin: "clusters/prod/payments/worker.yaml:1",
			Action: report.Reverted, Fields: []report.FieldChange{{Path: "spec.replicas", From: int64(5), To: int64(3),
				By: &report.Owner{Manager: "kubectl-scale", Operation: "Update", Subresource: "scale", Time: noon}}}},
		{Object: "v1/ConfigMap/payments/api-env-2m8d1", Short: "configmap/api-env-2m8d1", Action: report.Pruned},
	}
	return report.List{
		TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "Report"},
		Apps:     []report.App{app},
		Requests: report.Requests{List: 4, Get: 1, Patch: 1, Delete: 1, Total: 7},
		Duration: lasting(14e9),
	}
}

func TestOtherFormats(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template")
	if err := os.WriteFile(file, []byte(`{range .items[*]}{.name}{"\n"}{end}`), 0o600); err != nil {
		t.Fatal(err)
	}
	list := statusList()
	list.Items = list.Items[:2]
	for _, c := range []struct{ format, want string }{
		{"name", "shop\npayments\n"},
		{"jsonpath={.items[*].name}", "shop payments"},
		{"jsonpath={.kind} {.items[0].objects.total}", "StatusList 42"},
		{`jsonpath={.items[?(@.health=="Progressing")].name}`, "payments"},
		{"jsonpath={.items[0].nothing}", ""},
		{"jsonpath-as-json={.items[0].objects.total}", "[\n    42\n]\n"},
		{"jsonpath-file=" + file, "shop\npayments\n"},
		{"go-template={{range .items}}{{.name}}={{.sync}} {{end}}", "shop=Synced payments=Synced "},
	} {
		if got := printed(t, c.format, list, "shop", "payments"); got != c.want {
			t.Errorf("-o %s printed %q, want %q", c.format, got, c.want)
		}
	}
}

func TestTablesAreLeftToTheCaller(t *testing.T) {
	for _, format := range []string{"", FormatWide} {
		o := Output{Format: format}
		var out bytes.Buffer
		handled, err := o.Print(&out, nil, nil)
		if handled || err != nil || out.Len() != 0 || o.Document() {
			t.Errorf("-o %q: handled %v, %v, %q", format, handled, err, out.String())
		}
	}
}

func TestBadFormatsAreRefusedBeforeAnythingRuns(t *testing.T) {
	for _, c := range []struct {
		format, err string
		also        []string
	}{
		{"xml", `unknown output format "xml"`, nil},
		{"json=x", `unknown output format "json=x"`, nil},
		{"JSON", `unknown output format "JSON"`, nil},
		{"jsonpath", `output format "jsonpath" needs a template`, nil},
		{"jsonpath=", `output format "jsonpath=" needs a template`, nil},
		{"jsonpath={.items[", `-o jsonpath={.items[: error parsing jsonpath {.items[, unterminated array`, nil},
		{"go-template={{", `-o go-template={{: error parsing template {{`, nil},
		{"markdown", `unknown output format "markdown"`, nil},
		{"html", `unknown output format "html"`, []string{"text", "markdown"}},
	} {
		o := Output{Format: c.format, Also: c.also}
		err := o.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), c.err) {
			t.Errorf("-o %s: got %v, want %s", c.format, err, c.err)
		}
		if err != nil && !strings.HasPrefix(c.err, "-o") && len(hint.Of(err)) == 0 {
			t.Errorf("-o %s: no hint", c.format)
		}
	}
}

// The printers of kubectl add the whole object to such an error.
func TestTemplateErrorsAreOneLine(t *testing.T) {
	o := Output{Format: "go-template={{.items.x}}"}
	var out bytes.Buffer
	_, err := o.Print(&out, statusList(), nil)
	if err == nil || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "acme") || out.Len() != 0 {
		t.Errorf("got %v and %q", err, out.String())
	}
}

func TestOutputFlagCompletes(t *testing.T) {
	cmd := &cobra.Command{Use: "status", Run: func(*cobra.Command, []string) {}}
	(&Output{Also: []string{"text"}}).AddFlags(cmd)
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SetArgs([]string{"__complete", "-o", ""})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("text\njson\nyaml\nname\nwide\njsonpath=\njsonpath-as-json=\njsonpath-file=\ngo-template=\ngo-template-file=\n:6\n", out.String()); diff != "" {
		t.Error(diff)
	}
}
