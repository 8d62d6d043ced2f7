package git

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

const (
	schemeLocal = "local"
	schemeHTTP  = "http"
	schemeHTTPS = "https"
	schemeSSH   = "ssh"
)

// address is a checked URL.
type address struct {
	scheme  string
	user    string // ssh only
	host    string // without port, IPv6 without brackets
	port    string // "" is the scheme's default
	path    string // http: escaped; ssh: as the server gets it; local: a directory
	display string
	mirror  *access.Login // what a mirror is shown; nil where the address is no mirror
}

func (a address) hostPort() string {
	port := a.port
	if port == "" {
		port = map[string]string{schemeHTTP: "80", schemeHTTPS: "443", schemeSSH: "22"}[a.scheme]
	}
	return net.JoinHostPort(a.host, port)
}

// scpLike matches [user@]host:path, where host holds no slash.
var scpLike = regexp.MustCompile(`^(?:([^@/]*)@)?(\[[^]/]+\]|[^:/@\[\]]+):(.*)$`)

// parseAddress never puts raw, which may hold a password, into an error.
func parseAddress(raw string) (address, error) {
	if before, _, ok := strings.Cut(raw, "::"); ok && !strings.ContainsAny(before, "/@[") {
		return address{}, hint.With(fmt.Errorf("repository URL uses the remote helper %q", before),
			"only https, http, ssh, file and local directories are supported")
	}
	if strings.Contains(raw, "://") {
		return parseURL(raw)
	}
	if info, err := os.Stat(raw); err == nil && info.IsDir() {
		return address{scheme: schemeLocal, path: raw}, nil
	}
	m := scpLike.FindStringSubmatch(raw)
	if m == nil || drive.MatchString(raw) {
		return address{scheme: schemeLocal, path: raw}, nil
	}
	user, host, path := m[1], strings.Trim(m[2], "[]"), m[3]
	switch {
	case strings.Contains(user, ":"):
		return address{}, embeddedPassword(raw)
	case user == "":
		return address{}, hint.With(fmt.Errorf("%s: no such directory, and no user name for ssh", display(raw)),
			"write git@%s:%s for ssh, or https://...", host, path)
	case path == "" || strings.HasPrefix(path, "-") || strings.HasPrefix(host, "-") || strings.HasPrefix(user, "-"):
		return address{}, fmt.Errorf("%s: not a valid ssh address", display(raw))
	}
	return address{scheme: schemeSSH, user: user, host: host, path: path}, nil
}

func parseURL(raw string) (address, error) {
	u, err := url.Parse(raw)
	if err != nil { // the error would repeat raw
		return address{}, hint.With(fmt.Errorf("%s: not a valid URL", display(raw)),
			"write it as https://host/path, ssh://git@host/path or file:///path; encode special characters as %%XX")
	}
	a := address{scheme: u.Scheme, host: u.Hostname(), port: u.Port()}
	if _, ok := u.User.Password(); ok || (u.User != nil && u.Scheme != schemeSSH) {
		return address{}, embeddedPassword(raw)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return address{}, fmt.Errorf("%s: a repository URL has no query and no fragment", display(raw))
	}
	switch u.Scheme {
	case schemeHTTP, schemeHTTPS:
		a.path = strings.TrimSuffix(u.EscapedPath(), "/")
	case schemeSSH:
		a.user, a.path = u.User.Username(), u.Path
		if a.user == "" {
			a.user = "git"
		}
		if strings.HasPrefix(a.path, "/~") {
			a.path = a.path[1:]
		}
		if err := checkText("repository URL", a.path); err != nil {
			return address{}, err
		}
	case "file":
		if a.host != "" && a.host != "localhost" {
			return address{}, hint.With(fmt.Errorf("%s: file URLs cannot name a host", display(raw)),
				"write file:///path with three slashes")
		}
		path := u.Path
		if local := strings.TrimPrefix(path, "/"); drive.MatchString(local) { // file:///C:/config
			path = local
		}
		return address{scheme: schemeLocal, path: filepath.FromSlash(path)}, nil
	default:
		return address{}, hint.With(fmt.Errorf("%s: unsupported scheme %q", display(raw), u.Scheme),
			"only https, http, ssh, file and local directories are supported")
	}
	if a.host == "" || strings.HasPrefix(a.host, "-") || strings.HasPrefix(a.user, "-") || a.path == "" || a.path == "/" {
		return address{}, hint.With(fmt.Errorf("%s: not the URL of a repository", display(raw)),
			"write it as %s://host/path", u.Scheme)
	}
	return a, nil
}

func embeddedPassword(raw string) error {
	return hint.With(fmt.Errorf("%s: credentials inside the repository URL are refused", display(raw)),
		"put the token into a file and pass --token-file FILE")
}

// display works on text that may not parse, so that every error can name its repository.
func display(raw string) string {
	rest, prefix := raw, ""
	if i := strings.Index(raw, "://"); i >= 0 {
		prefix, rest = raw[:i+3], raw[i+3:]
		rest, _, _ = strings.Cut(rest, "?")
		rest, _, _ = strings.Cut(rest, "#")
	} else if m := scpLike.FindStringSubmatch(raw); m == nil {
		return safetext.Line(raw)
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/\\"); i >= 0 && prefix != "" {
		authority, path = rest[:i], rest[i:]
		if at := strings.LastIndex(path, "@"); at >= 0 && strings.Contains(authority, ":") && !strings.Contains(authority, "@") {
			authority, path = "", path[at+1:] // a password with an unescaped slash
		}
	}
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		user := authority[:i]
		keep := (prefix == "ssh://" || prefix == "") && !strings.Contains(user, ":")
		if !keep {
			authority = authority[i+1:]
		}
	}
	return safetext.Line(prefix + authority + path)
}

// checkText refuses what could be read as an option or could forge terminal output.
func checkText(what, s string) error {
	if strings.HasPrefix(s, "-") {
		return fmt.Errorf("%s begins with '-'", what)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("%s contains a line break or another control character", what)
	}
	return nil
}

func isCommit(s string) bool {
	if len(s) != 40 {
		return false
	}
	return strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// drive matches what begins with the letter of a drive of Windows, which in an address would pass for a host.
var drive = regexp.MustCompile(`^[A-Za-z]:($|[\\/])`)
