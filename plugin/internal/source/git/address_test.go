package git_test

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

func TestAddressesThatAreRefused(t *testing.T) {
	for _, tt := range []struct{ url, want string }{
		{"--upload-pack=touch /tmp/pwned", "begins with '-'"},
		{"-oProxyCommand=x@host:path", "begins with '-'"},
		{"ssh://-oProxyCommand=x/path", "not"},
		{"ssh://git@-oProxyCommand=x/path", "not the URL of a repository"},
		{"git@-oProxyCommand=x:path", "not a valid ssh address"},
		{"git@example.com:-path", "not a valid ssh address"},
		{"git@example.com:", "not a valid ssh address"},
		{"example.com:acme/config", "write git@example.com:acme/config for ssh"},
		{"ext::sh -c id", `remote helper "ext"`},
		{"fd::17/foo", `remote helper "fd"`},
		{"git://example.com/config", `unsupported scheme "git"`},
		{"ftp://example.com/config", `unsupported scheme "ftp"`},
		{"javascript://x/y", "unsupported scheme"},
		{"https://example.com/a\nb", "control character"},
		{"https://example.com/\x1b[2J", "control character"},
		{"ssh://git@example.com/%0aid", "control character"},
		{"https://example.com/%zz", "not a valid URL"},
		{"https://", "not the URL of a repository"},
		{"https://example.com", "write it as https://host/path"},
		{"https://example.com/config?private_token=s3cret", "no query"},
		{"https://example.com/config#s3cret", "no fragment"},
		{"https://ada:s3cret@example.com/config", "--token-file"},
		{"https://s3cret@example.com/config", "--token-file"},
		{"https://ada:s3/cret@example.com/config", "not a valid URL"},
		{"http://ada:s3cret@localhost/config", "credentials inside the repository URL are refused"},
		{"ssh://git:s3cret@example.com/config", "credentials inside the repository URL are refused"},
		{"git:s3cret@example.com:config", "credentials inside the repository URL are refused"},
		{"file://example.com/config", "three slashes"},
	} {
		_, err := git.Repo{URL: tt.url}.Poll(t.Context())
		mustFail(t, err, tt.want)
		if err != nil && strings.Contains(err.Error()+strings.Join(hint.Of(err), ""), "s3cret") {
			t.Errorf("%s: the error repeats a secret: %v", tt.url, err)
		}
		if d := (git.Repo{URL: tt.url}).Display(); strings.Contains(d, "s3") || strings.ContainsAny(d, "\n\x1b") {
			t.Errorf("Display(%q) = %q", tt.url, d)
		}
	}
}

func TestRefsThatAreRefused(t *testing.T) {
	r := newRepository(t)
	r.commit("first")
	for _, ref := range []string{
		"--upload-pack=id", "main\nx", "~1", "^main", "a..b", "../../etc/passwd", "refs/heads/../../config", "a b", "HEAD@{1}",
		"main@{1}~1", "../../etc~1", "x.lock", ".hidden", "a/.b", "/main", "main/", "a//b", "a:b", "*", "x\x00",
	} {
		if _, err := (git.Repo{URL: r.dir, Ref: ref}).Poll(t.Context()); err == nil || strings.Contains(err.Error(), "not found") {
			t.Errorf("ref %q: %v", ref, err)
		}
	}
}

func TestDisplayLeavesOutCredentials(t *testing.T) {
	for url, want := range map[string]string{
		"https://github.com/acme/config":           "https://github.com/acme/config",
		"https://ada:pw@github.com/acme/config":    "https://github.com/acme/config",
		"https://x@github.com:8443/a/b?t=1#2":      "https://github.com:8443/a/b",
		"ssh://git@github.com/acme/config":         "ssh://git@github.com/acme/config",
		"ssh://git:pw@github.com/acme/config":      "ssh://github.com/acme/config",
		"git@github.com:acme/config.git":           "git@github.com:acme/config.git",
		"file:///srv/config":                       "file:///srv/config",
		"/srv/with@sign/config":                    "/srv/with@sign/config",
		"./a:b":                                    "./a:b",
		"https://github.com/acme/with@sign":        "https://github.com/acme/with@sign",
		"https://ada:p@ss@github.com/acme/config":  "https://github.com/acme/config",
		"https://[::1]:8443/acme/config":           "https://[::1]:8443/acme/config",
		"https://ada:pa/ss@github.com/acme/config": "https://github.com/acme/config",
	} {
		if got := (git.Repo{URL: url}).Display(); got != want {
			t.Errorf("Display(%q) = %q, want %q", url, got, want)
		}
	}
}

func FuzzDisplayAndPollOfAnyURL(f *testing.F) {
	for _, s := range []string{"https://a:SECRET@h/p", "a:SECRET@h:p", "://", "ssh://a:SECRET@[::1]:22/p", "https://a:SECRET/x@h/p"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, url string) {
		d := git.Repo{URL: url}.Display()
		if strings.ContainsAny(d, "\n\r\x1b\x00") {
			t.Errorf("Display(%q) = %q", url, d)
		}
		// A full commit is answered without a request, so this checks the address only.
		_, _ = git.Repo{URL: url, Ref: strings.Repeat("a", 40)}.Poll(t.Context())
	})
}
