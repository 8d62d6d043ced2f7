package access

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Login is what a server is shown, and how its certificate is checked. The zero value shows nothing.
type Login struct {
	User, Password string // basic authentication
	Bearer         string // a token that is shown as it is
	Identity       string // a token for which the token service of a registry gives others
	CA             string // authorities in PEM, beside those of the system
	Cert, Key      string // of the client, in PEM
	From           string // where it comes from, for messages
}

// Any tells whether the server learns something that nobody else may know.
func (l Login) Any() bool { return l.Password != "" || l.Bearer != "" || l.Identity != "" }

// String hides what the login holds.
func (l Login) String() string { return "a login from " + l.From }

// GoString hides what the login holds.
func (l Login) GoString() string { return l.String() }

// Sign puts the login into a request.
func (l Login) Sign(r *http.Request) {
	switch {
	case l.Bearer != "":
		r.Header.Set("Authorization", "Bearer "+l.Bearer)
	case l.Password != "":
		r.SetBasicAuth(l.User, l.Password)
	}
}

// TLS returns how connections are made, nil for the usual way.
func (l Login) TLS() (*tls.Config, error) {
	if l.CA == "" && l.Cert == "" && l.Key == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if l.CA != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM([]byte(l.CA)) {
			return nil, hint.Errorf("ca.crt of "+l.From+" holds no certificate", "it has to contain the certificate of the authority in PEM form")
		}
		config.RootCAs = pool
	}
	if l.Cert == "" && l.Key == "" {
		return config, nil
	}
	pair, err := tls.X509KeyPair([]byte(l.Cert), []byte(l.Key))
	if err != nil {
		return nil, hint.Errorf("tls.crt and tls.key of "+l.From+" are not a certificate and its key", "both are in PEM form, and belong together")
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// Hide returns an error without what the login holds, which a server may repeat. Hints survive: they are ours.
func (l Login) Hide(err error) error {
	if err == nil {
		return nil
	}
	secrets := []string{l.Password, l.Bearer, l.Identity}
	if l.Password != "" {
		secrets = append(secrets, base64.StdEncoding.EncodeToString([]byte(l.User+":"+l.Password)))
	}
	return Redact(err, err.Error(), secrets)
}

// Redact returns err with another text, and without the secrets in it: err itself when that changes nothing. Otherwise nothing of err is left
// but its hints.
func Redact(err error, text string, secrets []string) error {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	if text == err.Error() {
		return err
	}
	hidden := errors.New(text)
	for _, h := range hint.Of(err) {
		hidden = hint.With(hidden, "%s", h)
	}
	return hidden
}

// Refused explains a server that asks for credentials, or does not accept those that it got.
func (l Login) Refused(host string, status int) error {
	switch {
	case l.Any() && status == http.StatusForbidden:
		return hint.With(fmt.Errorf("%s refuses access (403)", host), "the credentials of %s may not read this", l.From)
	case l.Any():
		return hint.With(fmt.Errorf("%s does not accept the credentials (%d)", host, status),
			"check that the password or token of %s has not expired, and put a new one there", l.From)
	}
	return hint.With(fmt.Errorf("%s asks for credentials (%d)", host, status),
		"put them into the Secret that the app names for its chart, or into .dockerconfigjson of the credentials of the instance, for the host %s", host)
}
