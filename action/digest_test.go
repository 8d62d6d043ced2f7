package action

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// pushed is a registry with one image api:1.8.2, and its digest.
func pushed(t *testing.T) (host, digest string) {
	t.Helper()
	server := httptest.NewServer(registry.New())
	t.Cleanup(server.Close)
	host = strings.TrimPrefix(server.URL, "http://")
	img, err := random.Index(64, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host + "/acme/api:1.8.2")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, img); err != nil {
		t.Fatal(err)
	}
	hash, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return host, hash.String()
}

func TestResolveDigestPinsTheTag(t *testing.T) {
	host, digest := pushed(t)
	hub := githubtest.New(t)
	repo := hub.AddRepo("acme/config", map[string]string{"web.yaml": "containers:\n- image: " + host + "/acme/api:1.8.1\n"}, githubtest.RepoOptions{})
	inputs := map[string]string{"images": host + "/acme/api=1.8.2", "resolve-digest": "true", "pull-request": "false"}
	runStep(t, hub, inputs).mustSucceed(t)
	if got, want := repo.Read("main", "web.yaml"), "containers:\n- image: "+host+"/acme/api:1.8.2@"+digest+"\n"; got != want {
		t.Errorf("file %q, want %q", got, want)
	}
	runStep(t, hub, inputs).mustSucceed(t).want(t, map[string]string{"changed": "false"})
}

func TestResolveDigestStopsBeforeAnyWrite(t *testing.T) {
	host, _ := pushed(t)
	for image, want := range map[string]string{
		host + "/acme/api=9.9.9":                                   "has no such tag",
		host + "/acme/api=1.8.2@sha256:" + strings.Repeat("a", 64): "the tag points to sha256:",
		"127.0.0.1:1/acme/api=1.8.2":                               "ask the registry",
	} {
		hub := githubtest.New(t)
		hub.AddRepo("acme/config", map[string]string{"web.yaml": "containers:\n- image: " + host + "/acme/api:1.8.1\n"}, githubtest.RepoOptions{})
		got := runStep(t, hub, map[string]string{"images": image, "resolve-digest": "true"})
		if got.code != ExitFailed || !strings.Contains(got.stderr, want) || len(hub.Requests()) > 0 {
			t.Errorf("%s: exit %d, requests %v\n%s", image, got.code, hub.Requests(), got.stderr)
		}
	}
}
