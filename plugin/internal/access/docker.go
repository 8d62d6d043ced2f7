package access

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// dockerEntry is one entry of .dockerconfigjson. Programs that keep credentials are never run, so credsStore and credHelpers count for
// nothing.
type dockerEntry struct {
	Auth          string `json:"auth"`
	Username      string `json:"username"`
	Password      string `json:"password"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

// entryFor returns the login of the entry with the host of an address and the longest path that fits, none where there is no such entry.
func entryFor(config []byte, at *url.URL) (Login, error) {
	var file struct {
		Auths map[string]dockerEntry `json:"auths"`
	}
	if err := json.Unmarshal(config, &file); err != nil {
		return Login{}, errors.New("it is not the JSON that `docker login` writes") // whose error repeats the text
	}
	var best dockerEntry
	longest, name := -1, ""
	for key, entry := range file.Auths {
		host, path := hostAndPath(key)
		if !fits(host, path, at) || len(path) < longest || len(path) == longest && key > name {
			continue
		}
		best, longest, name = entry, len(path), key
	}
	if longest < 0 {
		return Login{}, nil
	}
	return best.login(name)
}

// hostAndPath reads the key of an entry: host[:port][/path], with or without a scheme.
func hostAndPath(key string) (host, path string) {
	if _, rest, found := strings.Cut(key, "://"); found {
		key = rest
	}
	host, path, _ = strings.Cut(strings.TrimRight(key, "/"), "/")
	host = strings.ToLower(host)
	if host = hub(host); path == "v1" || path == "v2" { // https://index.docker.io/v1/
		path = ""
	}
	return strings.TrimSuffix(host, ":443"), path
}

// hub is the one name of Docker Hub, which has several.
func hub(host string) string {
	switch host {
	case "docker.io", "index.docker.io", "registry-1.docker.io":
		return "docker.io"
	}
	return host
}

func fits(host, path string, at *url.URL) bool {
	asked := strings.Trim(at.Path, "/")
	return host != "" && host == hub(strings.TrimSuffix(at.Host, ":443")) &&
		(path == "" || asked == path || strings.HasPrefix(asked, path+"/"))
}

func (e dockerEntry) login(name string) (Login, error) {
	l := Login{User: e.Username, Password: e.Password, Identity: e.IdentityToken, Bearer: e.RegistryToken}
	if e.Auth == "" {
		return l, nil
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(e.Auth))
	user, password, found := strings.Cut(string(text), ":")
	if err != nil || !found {
		return Login{}, fmt.Errorf("auth of %q is not base64 of user:password", name)
	}
	if l.Password == "" {
		l.User, l.Password = user, strings.TrimRight(password, "\x00")
	}
	return l, nil
}
