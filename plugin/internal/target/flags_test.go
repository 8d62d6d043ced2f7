package target

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
)

func parsed(t *testing.T, line string) *Flags {
	t.Helper()
	f, fs := &Flags{}, pflag.NewFlagSet("", pflag.ContinueOnError)
	f.Add(fs)
	if err := fs.Parse(strings.Fields(line)); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAppOfFlags(t *testing.T) {
	for line, want := range map[string]string{
		"--path apps/shop/overlays/prod":              "prod apps/shop/overlays/prod",
		"--path apps\\Shop\\":                         "shop apps/Shop",
		"--repo https://github.com/acme/Config.git":   "config .",
		"--repo git@github.com:config --name shop":    "shop .",
		"--path ../other":                             "--path ../other leaves the repository",
		"--path /etc":                                 "--path /etc leaves the repository",
		"--name Shop":                                 `"Shop" cannot be the name of an app`,
		"--name " + strings.Repeat("a", 41):           "cannot be the name of an app",
		"--timeout 0s --name shop":                    "--timeout 0s must be above zero",
		"--name shop --target-namespace kube_system":  `--target-namespace "kube_system":`,
		"--name shop --path a/b/../c --timeout 1m30s": "shop a/c",
	} {
		app, err := parsed(t, line).App()
		got := app.Name + " " + app.Path
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

func TestSetLeftOut(t *testing.T) {
	f := parsed(t, "--ref main")
	SetLeftOut(f.given, map[string]string{"ref": "v1", "path": "clusters/prod", "timeout": "no duration", "max-repo-size": "1Gi", "unknown": "x", "name": ""})
	if f.Ref != "main" || f.Path != "clusters/prod" || f.Timeout == 0 || f.Limits.Size.String() != "1Gi" || f.Name != "" {
		t.Errorf("%+v", f)
	}
}

// More keys would trust more people: a flag leaves out what the directory of credentials has.
func TestTrustedKeys(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"allowed_signers", "openpgp-keyring"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string][2]string{
		"":                         {},
		"--credentials-dir " + dir: {filepath.Join(dir, "allowed_signers"), filepath.Join(dir, "openpgp-keyring")},
		"--credentials-dir " + dir + " --allowed-signers-file mine": {"mine", ""},
		"--openpgp-keyring-file mine":                               {"", "mine"},
	} {
		f := parsed(t, line)
		keys := f.trusted()
		if got := [2]string{keys.AllowedSigners, keys.Keyring}; got != want || f.Repository().Signed() != (want != [2]string{}) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// What is rendered without a cluster asks none.
func TestManifestsOfDirectories(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "shop"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	none := func() (*store.Store, error) { return nil, hint.Errorf("no cluster", "set KUBECONFIG") }
	for _, c := range []struct {
		line, arg, path, err, hint string
	}{
		{"", "", ".", "", ""},
		{"", "shop", ".", "", ""},
		{"--path base", "shop", "base", "", ""},
		{"--repo " + dir + " --path shop", "", "shop", "", ""},
		{"", "sop", "", "there is neither a directory nor an app called sop (apps of a cluster: no cluster)", "shop"},
		{"", "Sop", "", "there is no directory Sop", "shop"},
		{"", "file", "", "file is a file, not a directory", "name the directory it is in: ."},
		{"", "no/such", "", "there is no directory no/such", "no is no directory either"},
	} {
		var args []string
		if c.arg != "" {
			args = []string{c.arg}
		}
		from, path, err := parsed(t, c.line).Manifests(context.Background(), args, none)
		if c.err == "" && (err != nil || path != c.path || from == nil) {
			t.Errorf("%s %s: %v %q %v", c.line, c.arg, from, path, err)
		}
		if c.err != "" && (err == nil || err.Error() != c.err || !strings.Contains(strings.Join(hint.Of(err), "\n"), c.hint)) {
			t.Errorf("%s %s: %v, hints %q", c.line, c.arg, err, hint.Of(err))
		}
	}
}
