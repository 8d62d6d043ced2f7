package action

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// pushLabelled pushes an image that says what it was built from.
func pushLabelled(t *testing.T, ref, source, revision string) {
	t.Helper()
	img, err := mutate.Config(empty.Image, v1.Config{Labels: map[string]string{"org.opencontainers.image.source": source, "org.opencontainers.image.revision": revision}})
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
}

func TestPromoteLinksTheCommitsThatImagesNameThemselves(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	const old, now = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	pushLabelled(t, host+"/acme/api:1.8.1", "https://github.com/acme/api", old)
	pushLabelled(t, host+"/acme/api:1.9.0", "https://github.com/acme/api.git", now)
	pushLabelled(t, host+"/acme/bad:1.0.0", "https://evil.example/x) [click](javascript:alert(1)", old)
	pushLabelled(t, host+"/acme/bad:2.0.0", "https://evil.example/x) [click](javascript:alert(1)", now)
	file := func(api, bad string) string {
		return "images:\n- {name: " + host + "/acme/api, newTag: " + api + "}\n- {name: " + host + "/acme/bad, newTag: " + bad + "}\n- {name: " + host + "/acme/none, newTag: " + bad + "}\n"
	}
	hub := githubtest.New(t)
	repo := hub.AddRepo("acme/config", map[string]string{"staging/kustomization.yaml": file("1.9.0", "2.0.0"), "prod/kustomization.yaml": file("1.8.1", "1.0.0")}, githubtest.RepoOptions{})
	runStep(t, hub, promoting("from", "staging", "to", "prod", "image-labels", "true")).mustSucceed(t)
	body := repo.Open()[0].Body
	if want := "(https://github.com/acme/api/compare/" + old + "..." + now + ")"; !strings.Contains(body, want) {
		t.Errorf("no %s in:\n%s", want, body)
	}
	if strings.Contains(body, "evil.example") || strings.Contains(body, "javascript") {
		t.Errorf("the label of an image became a link:\n%s", body)
	}
}
