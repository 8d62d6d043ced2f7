package notify

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Target is one system to tell. Files are read whenever something is sent.
type Target struct {
	Type       string `json:"type"`                 // github, gitlab, slack or webhook
	URL        string `json:"url,omitempty"`        // of the API, or of the webhook
	URLFile    string `json:"urlFile,omitempty"`    // holds the URL of a webhook, where that is secret
	Repository string `json:"repository,omitempty"` // owner/name; default that of the app's source
	TokenFile  string `json:"tokenFile,omitempty"`  // of github and gitlab
	SecretFile string `json:"secretFile,omitempty"` // key of the signature of a webhook
}

const (
	typeGitHub  = "github"
	typeGitLab  = "gitlab"
	typeSlack   = "slack"
	typeWebhook = "webhook"

	maxFile = 1 << 20
)

// Load reads a file of targets. Names of files in it are relative to its directory, and do not leave it.
func Load(file string) ([]Target, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var content struct {
		Targets []Target `json:"targets"`
	}
	if err := yaml.UnmarshalStrict(data, &content); err != nil {
		return nil, hint.With(fmt.Errorf("%s: %w", file, err), "see docs/notify.md; each token is in its own file")
	}
	if len(content.Targets) == 0 {
		return nil, hint.Errorf(file+" lists no targets", "see docs/notify.md")
	}
	var problems []error
	for i := range content.Targets {
		t := &content.Targets[i]
		for _, name := range []*string{&t.URLFile, &t.TokenFile, &t.SecretFile} {
			if *name == "" {
				continue
			}
			if !filepath.IsLocal(*name) { // whoever writes the list must not have any file sent anywhere
				problems = append(problems, hint.Errorf(fmt.Sprintf("%s: targets[%d]: %s is not beside the file", file, i, *name),
					"put it into the same directory, or the same Secret, and give its name only"))
			}
			*name = filepath.Join(filepath.Dir(file), *name)
		}
		if err := t.check(); err != nil {
			problems = append(problems, fmt.Errorf("%s: targets[%d]: %w", file, i, err))
		}
	}
	return content.Targets, errors.Join(problems...)
}

func (t *Target) check() error {
	switch t.Type {
	case typeGitHub, typeGitLab:
		if t.URL == "" {
			t.URL = map[string]string{typeGitHub: "https://api.github.com", typeGitLab: "https://gitlab.com"}[t.Type]
		}
		if t.TokenFile == "" {
			return errors.New("tokenFile is missing")
		}
		if t.URLFile != "" || t.SecretFile != "" {
			return fmt.Errorf("%s takes url, repository and tokenFile", t.Type)
		}
	case typeSlack, typeWebhook:
		if (t.URL == "") == (t.URLFile == "") {
			return errors.New("give url, or urlFile when the URL is secret")
		}
		if t.TokenFile != "" || t.Repository != "" || t.Type == typeSlack && t.SecretFile != "" {
			return fmt.Errorf("%s takes url or urlFile%s", t.Type, map[bool]string{true: ", and secretFile"}[t.Type == typeWebhook])
		}
	default:
		return hint.Errorf(fmt.Sprintf("type %q is not known", t.Type), "one of: github, gitlab, slack, webhook")
	}
	if t.URL != "" {
		_, err := checkURL(t.URL)
		return err
	}
	return nil
}

// checkURL accepts https, and http to this machine. Its errors do not repeat the URL.
func checkURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("the url is not valid, or contains a password")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && !(u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())) {
		return nil, errors.New("the url is not https")
	}
	return u, nil
}

// address is the URL, from its file where it is in one.
func (t Target) address() (*url.URL, error) {
	if t.URLFile == "" {
		return checkURL(t.URL)
	}
	text, err := readSecret(t.URLFile)
	if err != nil {
		return nil, err
	}
	return checkURL(text)
}

// name is the target in a warning: its type and host.
func (t Target) name() string {
	if u, err := t.address(); err == nil {
		return t.Type + " " + u.Host
	}
	return t.Type
}

func readSecret(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if info.Size() > maxFile {
		return "", fmt.Errorf("%s is too large", name)
	}
	data, err := os.ReadFile(name)
	text := strings.TrimSpace(string(data))
	if err == nil && text == "" {
		err = fmt.Errorf("%s is empty", name)
	}
	return text, err
}
