package plugin

import (
	"bytes"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// run executes a command line without a cluster and returns what it printed on both streams.
func runLine(t *testing.T, line string) (code int, out, errOut string) {
	t.Helper()
	t.Setenv("KUBECONFIG", t.TempDir()+"/none")
	var stdout, stderr bytes.Buffer
	code = Main(t.Context(), strings.Fields(line), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestOtherToolsVerbsGetASuggestion(t *testing.T) {
	for typed, want := range map[string]string{
		"get":         "kubectl gitops status",
		"get apps":    "kubectl gitops status",
		"list":        "kubectl gitops status",
		"sync shop":   "kubectl gitops reconcile",
		"apply":       "kubectl gitops reconcile",
		"deploy":      "kubectl gitops reconcile",
		"rollback x":  "revert the commit in Git",
		"logs -f":     "kubectl gitops trigger",
		"wait shop":   "kubectl gitops reconcile",
		"SYNC":        "kubectl gitops reconcile",
		"sttaus":      "did you mean `kubectl gitops status`?",
		"reconsile":   "did you mean `kubectl gitops reconcile`?",
		"Diff":        "did you mean `kubectl gitops diff`?",
		"frobnicate":  "see `kubectl gitops --help`",
		"bootstrap x": "kubectl gitops install",
		"delete shop": "kubectl gitops uninstall",
	} {
		t.Run("Habits "+typed, func(t *testing.T) {
			code, out, errOut := runLine(t, typed)
			if code != exitError || out != "" || !strings.HasPrefix(errOut, `error: unknown command "`+strings.Fields(typed)[0]+`"`) || !strings.Contains(errOut, "\nhint: ") || !strings.Contains(errOut, want) {
				t.Errorf("exit %d, stdout %q, stderr %q; want a hint with %q", code, out, errOut, want)
			}
		})
	}
}

// A verb that becomes a command of ours must not be explained away.
func TestOtherVerbsAreNoCommands(t *testing.T) {
	root := (&cli{}).rootCommand()
	seen := map[string]bool{}
	for _, command := range root.Commands() {
		seen[command.Name()] = true
	}
	for _, other := range otherVerbs {
		for _, verb := range other.verbs {
			if seen[verb] {
				t.Errorf("%q is listed twice, or is a command", verb)
			}
			seen[verb] = true
		}
	}
}
