package githubtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

func TestDescriptionCoversEveryOperationOfTheDouble(t *testing.T) {
	d := loaded()
	if d == nil {
		t.Skip("GITHUB'S DESCRIPTION IS NOT CHECKED: npm is not available, see the warning above")
	}
	for i := range routes {
		if _, op := d.operation(&routes[i]); op == nil {
			t.Errorf("GitHub's description has no %s %s", routes[i].method, routes[i].template)
		}
	}
}

func TestRefUpdateIsCompareAndSet(t *testing.T) {
	s := New(t)
	repo := s.AddRepo("acme/config", map[string]string{"a.yaml": "a: 1\n"}, RepoOptions{})
	first := repo.Head("main")
	second := repo.Push("main", "second", map[string]string{"a.yaml": "a: 2\n"})
	side := repo.Push("side", "side", map[string]string{"b.yaml": "b: 1\n"})
	repo.Push("main", "third", map[string]string{"a.yaml": "a: 3\n"})

	status, body := send(t, s, "PATCH", "/repos/acme/config/git/refs/heads/main", map[string]any{"sha": side.SHA, "force": false})
	if status != http.StatusUnprocessableEntity || body["message"] != "Update is not a fast forward" {
		t.Errorf("update to a sibling = %d %v", status, body["message"])
	}
	status, body = send(t, s, "PATCH", "/repos/acme/config/git/refs/heads/main", map[string]any{"sha": second.SHA, "force": false})
	if status != http.StatusUnprocessableEntity {
		t.Errorf("update to an ancestor = %d %v", status, body["message"])
	}
	if status, _ = send(t, s, "POST", "/repos/acme/config/git/refs", map[string]any{"ref": "refs/heads/x", "sha": first.SHA}); status != http.StatusCreated {
		t.Errorf("create ref = %d", status)
	}
	if status, _ = send(t, s, "PATCH", "/repos/acme/config/git/refs/heads/x", map[string]any{"sha": second.SHA, "force": false}); status != http.StatusOK {
		t.Errorf("fast forward = %d", status)
	}
}

func TestObjectNamesAreGits(t *testing.T) {
	// git hash-object and git write-tree give these names for the same content.
	if got, want := BlobHash("hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a"; got != want {
		t.Errorf("blob = %s, want %s", got, want)
	}
	if got, want := treeHash(map[string]File{}), "4b825dc642cb6eb9a060e54bf8d69288fbee4904"; got != want {
		t.Errorf("empty tree = %s, want %s", got, want)
	}
}

func TestMissingPermissionIsGitHubs403(t *testing.T) {
	s := New(t)
	s.AddRepo("acme/config", map[string]string{"a.yaml": "a: 1\n"}, RepoOptions{})
	s.SetToken(Token, Permissions{Contents: "read"})
	status, body := send(t, s, "POST", "/repos/acme/config/git/trees", map[string]any{"tree": []any{}})
	if status != http.StatusForbidden || body["message"] != "Resource not accessible by integration" {
		t.Errorf("got %d %v", status, body)
	}
}

func send(t *testing.T, s *Server, method, path string, in map[string]any) (int, map[string]any) {
	t.Helper()
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	_ = json.Unmarshal(raw, &out)
	return res.StatusCode, out
}
