package plugin

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func runCompletion(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	root := &cobra.Command{Use: "kubectl-gitops", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(newCompletionCommand(streams))
	root.SetArgs(append([]string{"completion"}, args...))
	err = root.Execute()
	return out.String(), errOut.String(), err
}

// kubectl runs kubectl_complete-gitops with the words typed after "kubectl gitops".
func TestKubectlScriptAsksThePlugin(t *testing.T) {
	script, advice, err := runCompletion(t)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(script, "\n") != 2 || !strings.Contains(advice, "kubectl_complete-gitops") {
		t.Errorf("script:\n%s\nadvice:\n%s", script, advice)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"kubectl":                 "#!/bin/sh\nprintf '<%s>' \"$@\"\n",
		"kubectl_complete-gitops": script,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	got, err := exec.CommandContext(t.Context(), filepath.Join(dir, "kubectl_complete-gitops"), "status", "two words", "").Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := "<gitops><__complete><status><two words><>"; string(got) != want {
		t.Errorf("kubectl was called with %s, want %s", got, want)
	}
}

func TestShellScriptsCompleteTheBinary(t *testing.T) {
	for shell, line := range map[string]string{
		"bash":       "complete -o default -F __start_kubectl-gitops kubectl-gitops",
		"zsh":        "#compdef kubectl-gitops",
		"fish":       "complete -c kubectl-gitops",
		"powershell": "Register-ArgumentCompleter -CommandName 'kubectl-gitops'",
	} {
		out, _, err := runCompletion(t, shell)
		if err != nil || !strings.Contains(out, line) {
			t.Errorf("%s: %v; no line %q", shell, err, line)
		}
	}
	if _, _, err := runCompletion(t, "tcsh"); err == nil {
		t.Error("an unknown shell was accepted")
	}
}

func TestAppNamesComplete(t *testing.T) {
	apps := func(*cobra.Command) ([]string, error) { return []string{"shop", "search", "blog"}, nil }
	broken := func(*cobra.Command) ([]string, error) { return nil, errors.New("no cluster") }
	for _, c := range []struct {
		name string
		fn   cobra.CompletionFunc
		args []string
		typ  string
		want []string
	}{
		{"all, sorted", completeApps(0, apps), nil, "", []string{"blog", "search", "shop"}},
		{"by prefix", completeApps(0, apps), nil, "s", []string{"search", "shop"}},
		{"each once", completeApps(0, apps), []string{"shop"}, "s", []string{"search"}},
		{"no more than asked", completeApps(1, apps), []string{"shop"}, "", nil},
		{"nothing without a cluster", completeApps(0, broken), nil, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, directive := c.fn(&cobra.Command{}, c.args, c.typ)
			if diff := cmp.Diff(c.want, got); diff != "" || directive != cobra.ShellCompDirectiveNoFileComp {
				t.Errorf("directive %v\n%s", directive, diff)
			}
		})
	}
}

func TestVersionCommand(t *testing.T) {
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	cmd := newVersionCommand(streams)
	cmd.SetArgs([]string{"-o", "jsonpath={.version}"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.Execute(); err != nil || out.String() != thisVersion().Version {
		t.Errorf("got %q and %v", out, err)
	}
	out.Reset()
	cmd.SetArgs([]string{"-o", "yaml"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "apiVersion: kubectl-gitops.dev/v1alpha1\n") {
		t.Errorf("got\n%s", out.String())
	}
	var text bytes.Buffer
	printVersion(&text, versionInfo{Version: "1.2.3", Commit: "9c41d7e", Modified: true, Go: "go1.26.0", Platform: "linux/amd64"})
	want := "kubectl-gitops 1.2.3\ncommit    9c41d7e (modified)\ngo        go1.26.0\nplatform  linux/amd64\n"
	if text.String() != want {
		t.Errorf("got\n%s", text.String())
	}
}
