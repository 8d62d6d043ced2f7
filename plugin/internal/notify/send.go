package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

type sender struct {
	target    Target
	client    *http.Client
	userAgent string
	pause     func(attempt int) time.Duration
}

// SignatureHeader carries "sha256=" and the HMAC-SHA256 of the body, in hexadecimal.
const SignatureHeader = "X-Signature-256"

const maxDescription = 140 // characters that GitHub takes

// send repeats a request that a later try may get through.
func (s sender) send(ctx context.Context, n Note) error {
	for attempt := 0; ; attempt++ {
		req, err := s.request(ctx, n)
		if err != nil {
			return err
		}
		wait, err := s.try(req)
		if err == nil || wait < 0 || attempt+1 == attempts || ctx.Err() != nil {
			return err
		}
		timer := time.NewTimer(max(wait, s.pause(attempt)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

// try sends one request. A negative wait means that another try is no use; otherwise it is what the server asked for.
func (s sender) try(req *http.Request) (wait time.Duration, err error) {
	res, err := s.client.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // it names the URL, which may be secret
		}
		return 0, err
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return 0, nil
	case s.target.Type == typeGitLab && res.StatusCode == http.StatusBadRequest && bytes.Contains(body, []byte("Cannot transition status")):
		return 0, nil // it has this state already
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return time.Duration(min(max(seconds, 0), 60)) * time.Second, errors.New(res.Status)
	}
	text := res.Status
	if res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusNotFound {
		text += map[string]string{typeGitHub: " (the token needs statuses: write on the repository)", typeGitLab: " (the token needs the scope api on the project)"}[s.target.Type]
	}
	return -1, errors.New(text)
}

func (s sender) request(ctx context.Context, n Note) (*http.Request, error) {
	u, err := s.target.address()
	if err != nil {
		return nil, err
	}
	body, header, err := s.body(u, n)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(raw))
	if err != nil {
		return nil, errors.New("the url is not valid")
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	req.Header.Set("User-Agent", s.userAgent)
	if s.target.SecretFile != "" {
		key, err := readSecret(s.target.SecretFile)
		if err != nil {
			return nil, err
		}
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(raw)
		req.Header.Set(SignatureHeader, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	return req, nil
}

// body is what is sent, with its headers; u becomes where to.
func (s sender) body(u *url.URL, n Note) (any, map[string]string, error) {
	switch s.target.Type {
	case typeSlack:
		return map[string]string{"text": slackText(n)}, nil, nil
	case typeWebhook:
		return cloudEvent(n), map[string]string{"Content-Type": "application/cloudevents+json"}, nil
	}
	repository := s.target.Repository
	if repository == "" {
		repository = repositoryOf(n.Repo)
	}
	if repository == "" || n.Commit == "" {
		return nil, nil, fmt.Errorf("no repository to set the status of: give repository: owner/name")
	}
	token, err := readSecret(s.target.TokenFile)
	if err != nil {
		return nil, nil, err
	}
	if s.target.Type == typeGitLab {
		state := map[State]string{Pending: "pending", Success: "success", Failure: "failed"}[n.State]
		*u = *u.JoinPath("api/v4/projects", url.PathEscape(repository), "statuses", n.Commit)
		return map[string]string{"state": state, "name": n.context(), "description": describe(n)}, map[string]string{"PRIVATE-TOKEN": token}, nil
	}
	*u = *u.JoinPath("repos", repository, "statuses", n.Commit)
	return map[string]string{"state": string(n.State), "context": n.context(), "description": describe(n)},
		map[string]string{"Authorization": "Bearer " + token, "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}, nil
}

// repositoryOf is owner/name, or group/subgroup/name, of a repository's URL; "" when that cannot be told.
func repositoryOf(repo string) string {
	if u, err := url.Parse(repo); err == nil && u.Host != "" {
		repo = u.Path
	} else if _, p, ok := strings.Cut(repo, ":"); ok { // git@host:owner/name
		repo = p
	} else {
		return ""
	}
	name := strings.TrimSuffix(strings.Trim(path.Clean("/"+repo), "/"), ".git")
	if !strings.Contains(name, "/") {
		return ""
	}
	return name
}

func describe(n Note) string {
	text := strings.Join(strings.Fields(n.Reason), " ")
	if text == "" {
		text = map[State]string{Pending: "applied, not healthy yet", Success: "applied and healthy", Failure: "failed"}[n.State]
	}
	if runes := []rune(text); len(runes) > maxDescription {
		text = string(runes[:maxDescription-1]) + "…"
	}
	return text
}

// slackText escapes what Slack reads as markup.
func slackText(n Note) string {
	commit := n.Commit[:min(len(n.Commit), 7)]
	text := fmt.Sprintf("%s %s at %s: %s", n.context(), n.State, commit, describe(n))
	if n.Subject != "" {
		text += fmt.Sprintf("\n%s, %s", n.Subject, n.Author)
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// cloudEvent is a CloudEvent 1.0 in structured mode.
func cloudEvent(n Note) any {
	return map[string]any{
		"specversion": "1.0", "id": rand.Text(), "source": "kubectl-gitops/" + n.Instance, "type": "dev.kubectl-gitops.app.state",
		"subject": n.App, "time": n.Time.UTC().Format(time.RFC3339), "datacontenttype": "application/json",
		"data": map[string]string{"instance": n.Instance, "app": n.App, "state": string(n.State), "reason": n.Reason, "sync": n.Sync,
			"health": n.Health, "repo": n.Repo, "ref": n.Ref, "commit": n.Commit, "author": n.Author, "subject": n.Subject},
	}
}
