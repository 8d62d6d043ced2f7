package git

import (
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// CheckoutOf reports whether a checkout belongs to the repository that url names. top is the top level of the checkout. It
// belongs to the repository if url is that directory, if one of its remotes is the repository, by any protocol, or if it has
// commit; "" is no commit.
func CheckoutOf(top, url, commit string) bool {
	l, err := openLocal(top)
	if err != nil {
		return false
	}
	defer l.close()
	if isCommit(commit) {
		if _, err := getCommit(l.objects, plumbing.NewHash(commit)); err == nil {
			return true
		}
	}
	want := placeOf(top, url)
	if want == "" {
		return false
	}
	if want == placeOf(top, top) {
		return true
	}
	config, err := l.objects.Config()
	if err != nil {
		return false
	}
	for _, remote := range config.Remotes {
		for _, u := range remote.URLs {
			if placeOf(top, u) == want {
				return true
			}
		}
	}
	return false
}

// placeOf names what url stands for in a form that can be compared, "" when it is no address. A relative path counts from top.
func placeOf(top, url string) string {
	if i := strings.Index(url, "://"); i >= 0 { // a remote may have a user name, or worse, in its URL
		if at := strings.LastIndex(url, "@"); at > i {
			url = url[:i+3] + url[at+1:]
		}
	}
	a, err := parseAddress(url)
	if err != nil {
		return ""
	}
	if a.scheme != schemeLocal {
		return strings.ToLower(a.host) + "/" + strings.TrimSuffix(strings.Trim(a.path, "/"), ".git")
	}
	dir := a.path
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(top, dir)
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return filepath.Clean(dir)
}
