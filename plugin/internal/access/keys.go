package access

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// The keys of a Secret. They are those that Flux reads; the last three are its old names.
const (
	keyUser    = "username"
	keyPass    = "password"
	keyBearer  = "bearerToken"
	keyCA      = "ca.crt"
	keyCert    = "tls.crt"
	keyKey     = "tls.key"
	keyDocker  = ".dockerconfigjson"
	oldKeyCA   = "caFile"
	oldKeyCert = "certFile"
	oldKeyKey  = "keyFile"
)

const (
	known     = "username and password, bearerToken, ca.crt, tls.crt and tls.key, or .dockerconfigjson"
	tokenUser = "x-access-token" // beside a password without a user
	maxKey    = 1 << 20          // bytes, which is what a Secret may have
)

// Keys are the keys of a Secret and their values.
type Keys struct {
	name string // what messages call the Secret
	read func(key string) ([]byte, error)
}

// SecretKeys are the keys of a Secret that was read. name is what messages call it.
func SecretKeys(name string, data map[string][]byte) Keys {
	return Keys{name, func(key string) ([]byte, error) { return data[key], nil }}
}

// FileKeys are the files of a directory, one for each key. A file is read at each use, so a rotated one counts at once.
func FileKeys(dir string) Keys {
	return Keys{dir, func(key string) ([]byte, error) {
		file, err := os.Open(filepath.Join(dir, key))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("credentials: %w", err)
		}
		defer file.Close()
		data, err := io.ReadAll(io.LimitReader(file, maxKey+1))
		if err == nil && len(data) > maxKey {
			err = fmt.Errorf("credentials: %s is larger than %d bytes", filepath.Join(dir, key), maxKey)
		}
		return data, err
	}}
}

// login returns what a server at an address is shown. own says that the keys without a host are for this one; those of
// .dockerconfigjson name theirs. found says whether there was any key.
func (k Keys) login(at *url.URL, own bool) (l Login, found bool, err error) {
	l.From = k.name
	docker, err := k.read(keyDocker)
	if err != nil {
		return l, false, err
	}
	var user, password, bearer string
	for _, f := range []struct {
		into    *string
		key     string
		old     string
		oneLine bool
	}{{&user, keyUser, "", true}, {&password, keyPass, "", true}, {&bearer, keyBearer, "", true}, {&l.CA, keyCA, oldKeyCA, false}, {&l.Cert, keyCert, oldKeyCert, false}, {&l.Key, keyKey, oldKeyKey, false}} {
		if *f.into, err = k.text(f.key, f.old, f.oneLine); err != nil {
			return l, false, err
		}
		found = found || *f.into != ""
	}
	if own {
		l.User, l.Password, l.Bearer = user, password, bearer
		if l.Password != "" {
			l.User = cmp.Or(l.User, tokenUser)
		}
	} else {
		l.Cert, l.Key = "", ""
	}
	if len(docker) > 0 && !l.Any() {
		entry, err := entryFor(docker, at)
		if err != nil {
			return l, true, fmt.Errorf("%s of %s: %w", keyDocker, k.name, err)
		}
		l.User, l.Password, l.Bearer, l.Identity = entry.User, entry.Password, entry.Bearer, entry.Identity
	}
	return l, found || len(docker) > 0, nil
}

// text returns the value of a key, or of its old name.
func (k Keys) text(key, old string, oneLine bool) (string, error) {
	data, err := k.read(key)
	if err == nil && len(data) == 0 && old != "" {
		data, err = k.read(old)
	}
	text := string(data)
	if oneLine {
		text = strings.TrimSpace(text)
		if safetext.Line(text) != text {
			return "", hint.Errorf(fmt.Sprintf("%s of %s holds more than one line", key, k.name), "write the value, and nothing else, into it")
		}
	}
	return text, err
}
