package access

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// scp matches user@host:path, the short form of an address of ssh.
var scp = regexp.MustCompile(`^([^@/:]+)@([^:/@\[\]]+):([^:].*)$`)

// parse reads an address in a form in which equal addresses are equal: scheme and host in lower case, no default port, no slash at the
// end. Errors do not repeat the address, which may hold a password.
func parse(address string) (*url.URL, error) {
	if m := scp.FindStringSubmatch(address); m != nil && !strings.Contains(address, "://") {
		address = "ssh://" + m[1] + "@" + m[2] + "/" + strings.TrimPrefix(m[3], "/")
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("it is not an address")
	}
	if _, has := u.User.Password(); has || u.User != nil && u.Scheme != "ssh" {
		return nil, errors.New("it holds a user or password")
	}
	if u.Host == "" || u.Hostname() == "" {
		return nil, errors.New("it has no host")
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if defaults := map[string]string{"https": "443", "http": "80", "oci": "443", "ssh": "22"}; u.Port() != "" && u.Port() == defaults[u.Scheme] {
		u.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// plain is an address without query, fragment and password, as messages and comparisons have it.
func plain(u *url.URL) string {
	user := ""
	if u.User != nil {
		user = u.User.Username() + "@"
	}
	return u.Scheme + "://" + user + u.Host + u.EscapedPath()
}

// climbs tells whether a path leads up.
func climbs(path string) bool {
	for element := range strings.SplitSeq(path, "/") {
		if text, err := url.PathUnescape(element); err != nil || text == ".." || strings.ContainsAny(text, `/\`) {
			return true
		}
	}
	return false
}
