package action

import (
	"archive/tar"
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

func TestTarballKeepsYAMLWithItsMode(t *testing.T) {
	snap := newSnapshot()
	_, err := github.ReadArchive(githubtest.Archive(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "r/"},
		tar.Header{Typeflag: tar.TypeReg, Name: "r/a.yaml", Mode: 0o664, Linkname: "a"},
		tar.Header{Typeflag: tar.TypeReg, Name: "r/d/b.YML", Mode: 0o775, Linkname: "b"},
		tar.Header{Typeflag: tar.TypeReg, Name: "r/Kustomization", Mode: 0o664, Linkname: "k"},
		tar.Header{Typeflag: tar.TypeReg, Name: "r/main.go", Mode: 0o664, Linkname: "go"},
		tar.Header{Typeflag: tar.TypeReg, Name: "r/named.json", Mode: 0o664, Linkname: "{}"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "r/link.yaml", Linkname: "/etc/passwd"},
	), snap.keeper(wanted{extra: []string{"named.json"}}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range snap.files {
		got = append(got, f.Path+" "+snap.modes[f.Path]+" "+string(f.Data))
	}
	if want := "a.yaml 100644 a, d/b.YML 100755 b, Kustomization 100644 k, named.json 100644 {}"; strings.Join(got, ", ") != want {
		t.Errorf("kept %v, want %s", got, want)
	}
}

func TestLargeYAMLIsSkippedAndSaid(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("main", "big", map[string]string{"big.yaml": "image: ghcr.io/acme/big:1\n#" + strings.Repeat("x", maxFile)})
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/big=2"})
	if got.code != ExitFailed || !strings.Contains(got.stderr, "not searched") {
		t.Errorf("exit %d:\n%s", got.code, got.stderr)
	}
}

// TestArchiveThatIsNotWhatGitStores is about .gitattributes rules that git archive applies.
func TestArchiveThatIsNotWhatGitStores(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("main", "attributes", map[string]string{".gitattributes": "*.yaml text eol=crlf\n"})
	inputs := map[string]string{"images": "ghcr.io/acme/api=1.8.2"}
	runStep(t, hub, inputs).mustSucceed(t) // the bytes are the same: fine

	hub.ArchiveFilter = func(_, data string) string { return strings.ReplaceAll(data, "\n", "\r\n") }
	hub.ResetRequests()
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.0"})
	if got.code != ExitFailed || !strings.Contains(got.stderr, "other bytes") || len(hub.Writes()) > 0 {
		t.Errorf("exit %d, writes %v:\n%s", got.code, hub.Writes(), got.stderr)
	}
}

func TestManyPullRequestsAreAllRead(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	for i := range 105 {
		branch := fmt.Sprintf("work-%d", i)
		repo.Push(branch, "work", map[string]string{branch + ".txt": "x"})
		repo.OpenPull(branch, "Work")
	}
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.0"}).mustSucceed(t)
	got.want(t, map[string]string{"pr-operation": "updated", "pr-number": "1"})
}
