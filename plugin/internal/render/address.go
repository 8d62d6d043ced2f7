package render

import (
	"net/url"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
)

// isRemote holds for what looks like an address, and for everything the library would take for one: its file loader
// fetches http and https, and Append asks its parser of Git addresses.
func isRemote(name string) bool {
	if strings.Contains(name, "://") || strings.HasPrefix(name, "git@") || strings.HasPrefix(name, "git::") || strings.Contains(name, "?ref=") {
		return true
	}
	return isAddress(name)
}

// isRemoteFile holds for what the library's file loader fetches.
func isRemoteFile(name string) bool {
	u, err := url.Parse(name)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

var userInfo = regexp.MustCompile(`://[^/]*@`)

// redactURL masks the user and password of an address, which may be a token.
func redactURL(name string) string { return userInfo.ReplaceAllString(name, "://"+masked+"@") }

// isAddress holds for a text that the library would fetch or clone if it did not parse.
func isAddress(text string) bool {
	return isRemoteFile(text) || (&resource.Origin{}).Append(text).Repo != ""
}
