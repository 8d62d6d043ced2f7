package entries_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/entries"
)

const (
	object        = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
	list          = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: GitOps\napps: []\n"
	promotion     = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Promotion\n"
	kustomization = "resources: [x.yaml]\n"
)

// repository writes files: "name" with what its name says, or "name: content".
func repository(t *testing.T, lines string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	for line := range strings.Lines(lines) {
		name, content, given := strings.Cut(strings.TrimSpace(line), ": ")
		if name == "" {
			continue
		}
		switch base := filepath.Base(name); {
		case given:
			content += "\n"
		case base == "gitops.yaml":
			content = list
		case base == "promotion.yaml":
			content = promotion
		case base == "Chart.yaml":
			content = "name: x\n"
		case base == "kustomization.yaml":
			content = kustomization
		case strings.HasPrefix(base, "values"), base == "README.md":
			content = "a: b\n"
		default:
			content = object
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func text(all []entries.Entry) string {
	var out []string
	for _, e := range all {
		out = append(out, string(e.Kind)+" "+e.Name())
	}
	return strings.Join(out, ", ")
}

func TestFieldEntries(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/repositories.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		t.Run("M1 "+f.Name, func(t *testing.T) {
			files, want, _ := strings.Cut(string(f.Data), "=> ")
			found, err := entries.Find(repository(t, files).FS(), ".")
			if got := text(found); err != nil || got != strings.TrimSpace(want) {
				t.Errorf("got  %s\nwant %s (%v)", got, want, err)
			}
		})
	}
}

func TestFieldEntriesOfTwoStates(t *testing.T) {
	find := func(lines string) []entries.Entry {
		found, err := entries.Find(repository(t, lines).FS(), ".")
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for _, tt := range []struct{ name, base, head, want string }{
		{"a directory is added", "a/x.yaml", "a/x.yaml\nb/x.yaml", "plain a, plain b"},
		{"a directory is renamed", "a/kustomization.yaml", "b/kustomization.yaml", "kustomize a, kustomize b"},
		{"the first gitops.yaml", "a/kustomization.yaml", "a/kustomization.yaml\nclusters/dev/gitops.yaml", "list clusters/dev"},
		{"one gitops.yaml more", "dev/gitops.yaml", "dev/gitops.yaml\nprod/gitops.yaml", "list dev, list prod"},
		{"the last gitops.yaml goes", "dev/gitops.yaml\na/x.yaml", "a/x.yaml", "list dev"},
		{"nothing", "", "", ""},
	} {
		t.Run("M1 "+tt.name, func(t *testing.T) {
			if got := text(entries.Both(find(tt.base), find(tt.head))); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFindBelowADirectory(t *testing.T) {
	root := repository(t, "clusters/dev/gitops.yaml\nclusters/prod/gitops.yaml\nother/gitops.yaml")
	for dir, want := range map[string]string{"clusters": "list clusters/dev, list clusters/prod", "clusters/dev": "list clusters/dev", "none": ""} {
		found, err := entries.Find(root.FS(), dir)
		if got := text(found); err != nil || got != want {
			t.Errorf("%s: got %s (%v), want %s", dir, got, err, want)
		}
	}
}
