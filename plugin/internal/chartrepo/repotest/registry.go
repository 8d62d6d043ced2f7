package repotest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ChartLayer is the media type of a chart in a registry.
const ChartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// tokenPath is where the token service is.
const tokenPath = "/token"

// logins are the credentials that are let in, nil when everybody is.
func (s *Server) logins() []string {
	if s.opt.Logins == nil {
		return nil
	}
	return s.opt.Logins()
}

// knows tells whether a header Authorization may come in.
func (s *Server) knows(authorization string) bool {
	logins := s.logins()
	for _, login := range logins {
		if token, ok := strings.CutPrefix(login, "bearer "); ok && authorization == "Bearer "+token {
			return true
		}
		if strings.Contains(login, ":") && authorization == "Basic "+base64.StdEncoding.EncodeToString([]byte(login)) {
			return true
		}
	}
	return logins == nil
}

// serveRegistry answers as an OCI registry, once the client has a token or has logged in.
func (s *Server) serveRegistry(w http.ResponseWriter, r *http.Request) {
	authorization := r.Header.Get("Authorization")
	repository := repositoryOf(r.URL.Path)
	switch {
	case s.knows(authorization):
	case s.opt.Basic:
		w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		refuse(w, "UNAUTHORIZED")
		return
	case !allows(authorization, repository):
		scope := ""
		if repository != "" {
			scope = fmt.Sprintf(",scope=%q", "repository:"+repository+":pull")
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q,service=%q%s", s.realm(), s.Host(), scope))
		refuse(w, "UNAUTHORIZED")
		return
	}
	if s.opt.Redirect != "" && strings.Contains(r.URL.Path, "/blobs/") {
		http.Redirect(w, r, strings.TrimSuffix(s.opt.Redirect, "/")+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		return
	}
	if err := s.publish(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.registry.ServeHTTP(w, r)
}

func refuse(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"authentication required"}]}`, code)
}

func (s *Server) realm() string {
	if s.opt.Realm != "" {
		return s.opt.Realm
	}
	return s.URL() + tokenPath
}

var inRepository = regexp.MustCompile(`^/v2/(.+)/(?:manifests|blobs|tags)/`)

func repositoryOf(path string) string {
	if m := inRepository.FindStringSubmatch(path); m != nil {
		return m[1]
	}
	return ""
}

// token is Docker's token service: it gives a token for one repository to those who log in. It keeps nothing, so that one server can
// be the token service of another.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	granted := s.knows(r.Header.Get("Authorization"))
	scopes := r.URL.Query()["scope"]
	if r.Method == http.MethodPost { // OAuth 2: an identity token
		_ = r.ParseForm()
		scopes = strings.Fields(r.PostForm.Get("scope"))
		granted = s.logins() == nil || slices.Contains(s.logins(), "identity "+r.PostForm.Get("refresh_token"))
	}
	if !granted {
		refuse(w, "UNAUTHORIZED")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": sign(strings.Join(scopes, " ")), "expires_in": 300})
}

// sign makes a token that says what it is for.
func sign(scopes string) string {
	mac := hmac.New(sha256.New, []byte("of the tests"))
	mac.Write([]byte(scopes))
	return base64.RawURLEncoding.EncodeToString([]byte(scopes)) + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// allows tells whether a token is for a repository. The address /v2/ itself takes any token.
func allows(authorization, repository string) bool {
	token, isBearer := strings.CutPrefix(authorization, "Bearer ")
	text, _, _ := strings.Cut(token, ".")
	scopes, err := base64.RawURLEncoding.DecodeString(text)
	if !isBearer || err != nil || sign(string(scopes)) != token {
		return false
	}
	return repository == "" || slices.ContainsFunc(strings.Fields(string(scopes)), func(scope string) bool {
		return strings.HasPrefix(scope, "repository:"+repository+":")
	})
}

// publish pushes the charts of the directory that are new or changed.
func (s *Server) publish() error {
	all, err := s.charts()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range all {
		tag := "charts/" + c.Name + ":" + strings.ReplaceAll(c.Version, "+", "_")
		if s.pushed[tag] == string(c.Archive) {
			continue
		}
		if _, err := s.push(tag, ChartLayer, c.Archive); err != nil {
			return err
		}
		s.pushed[tag] = string(c.Archive)
	}
	return nil
}

// Push makes an image of one layer and pushes it to REPOSITORY:TAG. It returns the digest of its manifest.
func (s *Server) Push(tag, mediaType string, layer []byte) (digest string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.push(tag, mediaType, layer)
}

func (s *Server) push(tag, mediaType string, layer []byte) (string, error) {
	image, err := Image(mediaType, layer)
	if err != nil {
		return "", err
	}
	ref, err := name.NewTag(s.Host()+"/"+tag, name.Insecure)
	if err != nil {
		return "", err
	}
	if err := remote.Write(ref, image, remote.WithTransport(direct{s.registry})); err != nil {
		return "", err
	}
	digest, err := image.Digest()
	return digest.String(), err
}

// Image makes an image of one layer, as `helm push` and `flux push artifact` do.
func Image(mediaType string, layer []byte) (v1.Image, error) {
	return mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer(layer, types.MediaType(mediaType)))
}

// pushPath is where a script pushes: PUT with the parameters tag and type, and the layer as body. It is not recorded.
const pushPath = "/-/push"

func (s *Server) servePush(w http.ResponseWriter, r *http.Request) {
	layer, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	digest := ""
	if err == nil {
		digest, err = s.Push(r.URL.Query().Get("tag"), r.URL.Query().Get("type"), layer)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, digest)
}

// direct hands requests to a handler of this process, without logging in.
type direct struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.ServeHTTP(w, r)
	response := w.Result()
	response.Request = r
	return response, nil
}
