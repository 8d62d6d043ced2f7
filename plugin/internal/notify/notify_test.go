package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

type got struct {
	path   string
	header http.Header
	body   []byte
}

// receiver is a server that answers with the given status codes, one after another, the last one for ever.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	requests []got
}

func receive(t *testing.T, answers ...int) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.requests = append(r.requests, got{req.URL.EscapedPath(), req.Header, body})
		status := answers[min(len(r.requests), len(answers))-1]
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		if status == http.StatusBadRequest {
			io.WriteString(w, `{"message":"Cannot transition status via :enqueue from :pending"}`)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

var note = Note{Instance: "gitops-system", App: "shop", Repo: "https://github.com/acme/config.git", Commit: "9c41d7e0000000000000000000000000000000ab",
	Ref: "main", Author: "Ada <b>", Subject: "Bump & run", State: Success, Sync: "Synced", Health: "Healthy", Time: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// deliver loads targets, sends one note and returns the warnings.
func deliver(t *testing.T, targets string, notes ...Note) []string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "token", "canary-token\n")
	write(t, dir, "secret", "canary-secret\n")
	loaded, err := Load(write(t, dir, "notify.yaml", targets))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var warnings []string
	n := start(loaded, "kubectl-gitops/test", func(text string) {
		mu.Lock()
		defer mu.Unlock()
		warnings = append(warnings, text)
	}, func(int) time.Duration { return 0 })
	for _, one := range notes {
		n.Send(one)
	}
	n.Close(time.Minute)
	for _, w := range warnings {
		if strings.Contains(w, "canary") {
			t.Errorf("a secret is shown: %s", w)
		}
	}
	return warnings
}

func TestGitHubStatus(t *testing.T) {
	r := receive(t, 201)
	failed := note
	failed.State, failed.Reason = Failure, strings.Repeat("deployment.apps/web is Degraded\n", 10)
	if w := deliver(t, "targets:\n- {type: github, url: '"+r.URL+"/api/v3', tokenFile: token}\n", note, failed); len(w) > 0 {
		t.Error(w)
	}
	want := `{"context":"gitops/gitops-system/shop","description":"applied and healthy","state":"success"}`
	if len(r.requests) != 2 || r.requests[0].path != "/api/v3/repos/acme/config/statuses/"+note.Commit || string(r.requests[0].body) != want {
		t.Errorf("%+v", r.requests)
	}
	if h := r.requests[0].header; h.Get("Authorization") != "Bearer canary-token" || h.Get("User-Agent") != "kubectl-gitops/test" {
		t.Error(h)
	}
	var second struct{ State, Description string }
	if err := json.Unmarshal(r.requests[1].body, &second); err != nil || second.State != "failure" || len([]rune(second.Description)) != maxDescription {
		t.Errorf("%+v %v", second, err)
	}
}

func TestGitLabStatus(t *testing.T) {
	r := receive(t, 400)
	if w := deliver(t, "targets:\n- {type: gitlab, url: '"+r.URL+"', repository: acme/infra/config, tokenFile: token}\n", note); len(w) > 0 {
		t.Error("a state that is set already is no failure:", w)
	}
	if got := r.requests[0]; got.path != "/api/v4/projects/acme%2Finfra%2Fconfig/statuses/"+note.Commit || got.header.Get("PRIVATE-TOKEN") != "canary-token" {
		t.Errorf("%+v", got)
	}
}

func TestSlackTextIsEscaped(t *testing.T) {
	r := receive(t, 200)
	deliver(t, "targets:\n- {type: slack, url: '"+r.URL+"/services/canary'}\n", note)
	var body struct{ Text string }
	if err := json.Unmarshal(r.requests[0].body, &body); err != nil {
		t.Fatal(err)
	}
	if want := "gitops/gitops-system/shop success at 9c41d7e: applied and healthy\nBump &amp; run, Ada &lt;b&gt;"; body.Text != want {
		t.Errorf("%q", body.Text)
	}
}

func TestWebhookIsASignedCloudEvent(t *testing.T) {
	r := receive(t, 202)
	deliver(t, "targets:\n- {type: webhook, url: '"+r.URL+"', secretFile: secret}\n", note)
	got := r.requests[0]
	mac := hmac.New(sha256.New, []byte("canary-secret"))
	mac.Write(got.body)
	if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); got.header.Get(SignatureHeader) != want || got.header.Get("Content-Type") != "application/cloudevents+json" {
		t.Error(got.header)
	}
	var event map[string]any
	if err := json.Unmarshal(got.body, &event); err != nil {
		t.Fatal(err)
	}
	data, _ := event["data"].(map[string]any)
	if event["specversion"] != "1.0" || event["id"] == "" || event["source"] != "kubectl-gitops/gitops-system" || event["subject"] != "shop" ||
		event["time"] != "2026-11-25T10:00:00Z" || data["commit"] != note.Commit || data["state"] != "success" {
		t.Errorf("%v", event)
	}
}

func TestRetries(t *testing.T) {
	for name, tt := range map[string]struct {
		answers  []int
		requests int
		warning  string
	}{
		"it gets well":    {[]int{503, 429, 200}, 3, ""},
		"it stays broken": {[]int{500}, attempts, "500 Internal Server Error"},
		"it says no":      {[]int{403}, 1, "(the token needs statuses: write on the repository)"},
		"it redirects":    {[]int{302}, 1, "302 Found"},
	} {
		r := receive(t, tt.answers...)
		w := deliver(t, "targets:\n- {type: github, url: '"+r.URL+"', tokenFile: token}\n", note)
		if len(r.requests) != tt.requests || (tt.warning == "") != (len(w) == 0) || tt.warning != "" && !strings.Contains(w[0], tt.warning) {
			t.Errorf("%s: %d requests, %v", name, len(r.requests), w)
		}
	}
}

func TestASlowTargetDelaysNobody(t *testing.T) {
	stuck := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		select {
		case <-stuck:
		case <-req.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(stuck)
	fast := receive(t, 200)
	var dropped sync.Once
	warned := make(chan struct{})
	n := start([]Target{{Type: typeWebhook, URL: slow.URL}, {Type: typeWebhook, URL: fast.URL}}, "test",
		func(string) { dropped.Do(func() { close(warned) }) }, func(int) time.Duration { return 0 })
	for range 3 * queueLength {
		n.Send(note)
	}
	<-warned
	n.Close(time.Millisecond)
	var none *Notifier
	none.Send(note)
	none.Close(0)
}

func TestLoadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"targets: []\n":                                                          "lists no targets",
		"targets:\n- {type: teams}\n":                                            `targets[0]: type "teams" is not known`,
		"targets:\n- {type: github}\n":                                           "tokenFile is missing",
		"targets:\n- {type: github, token: x, tokenFile: y}\n":                   "unknown field",
		"targets:\n- {type: webhook}\n":                                          "give url, or urlFile",
		"targets:\n- {type: webhook, url: 'http://example.com/canary'}\n":        "the url is not https",
		"targets:\n- {type: webhook, url: 'https://a:canary@example.com'}\n":     "contains a password",
		"targets:\n- {type: slack, url: 'https://example.com', secretFile: s}\n": "slack takes url or urlFile",
		"targets:\n- {type: github, tokenFile: /etc/passwd}\n":                   "/etc/passwd is not beside the file",
		"targets:\n- {type: slack, urlFile: ../token}\n":                         "../token is not beside the file",
		"targets:\n- {type: gitlab, tokenFile: t, secretFile: s}\n":              "gitlab takes url, repository and tokenFile",
	} {
		_, err := Load(write(t, t.TempDir(), "notify.yaml", text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRepositoryOf(t *testing.T) {
	for repo, want := range map[string]string{
		"https://github.com/acme/config": "acme/config", "https://github.com/acme/config.git/": "acme/config",
		"git@gitlab.com:acme/infra/config.git": "acme/infra/config", "ssh://git@host:22/acme/config": "acme/config",
		"/srv/config": "", "https://host/config": "",
	} {
		if got := repositoryOf(repo); got != want {
			t.Errorf("%s: %q", repo, got)
		}
	}
}
