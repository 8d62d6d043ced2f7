package trust

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// signers are the lines of an allowed signers file.
type signers []signer

type signer struct {
	principals    string
	key           ssh.PublicKey
	namespaces    []string // patterns; empty is all
	after, before time.Time
}

func readSigners(name string) (signers, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	var all signers
	for i, line := range bytes.Split(data, []byte("\n")) {
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		s, err := parseSigner(text)
		if err != nil {
			return nil, hint.With(fmt.Errorf("%s:%d: %w", name, i+1, err), `a line is: PRINCIPALS [namespaces="git"] KEYTYPE KEY, see ALLOWED SIGNERS in ssh-keygen(1)`)
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, hint.With(fmt.Errorf("%s lists no key", name), `a line is: PRINCIPALS [namespaces="git"] KEYTYPE KEY`)
	}
	return all, nil
}

func parseSigner(line string) (s signer, err error) {
	principals, rest, ok := cutField(line)
	if !ok || principals == "" {
		return s, errors.New("only one field")
	}
	s.principals = strings.Trim(principals, `"`)
	key, _, options, trailing, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil || len(trailing) > 0 {
		return s, errors.New("no public key after the principals")
	}
	s.key = key
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "namespaces":
			s.namespaces = strings.Split(value, ",")
		case "valid-after":
			s.after, err = parseTime(value)
		case "valid-before":
			s.before, err = parseTime(value)
		case "cert-authority":
			err = errors.New("certificate authorities are not supported: list the keys themselves")
		default:
			err = fmt.Errorf("option %q is not known", name)
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// cutField splits off the first field, which may be in quotes.
func cutField(line string) (field, rest string, ok bool) {
	quoted := false
	for i, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case (r == ' ' || r == '\t') && !quoted:
			return line[:i], strings.TrimSpace(line[i:]), true
		}
	}
	return line, "", false
}

// parseTime reads YYYYMMDD[HHMM[SS]], local time unless it ends with Z.
func parseTime(value string) (time.Time, error) {
	text, utc := strings.CutSuffix(value, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil && len(text) == len(layout) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time as in 20261231 or 20261231235959Z", value)
}

// find returns the principals of the line that lists key for Git at the given time, or why none does.
func (all signers) find(key ssh.PublicKey, at time.Time) (string, error) {
	err := errors.New("which is not among the allowed signers")
	for _, s := range all {
		if !bytes.Equal(s.key.Marshal(), key.Marshal()) {
			continue
		}
		switch {
		case !s.forGit():
			err = errors.New("which is not allowed to sign for Git")
		case !s.after.IsZero() && at.Before(s.after):
			err = errors.New("which was not valid yet")
		case !s.before.IsZero() && !at.Before(s.before):
			err = errors.New("which was not valid any more")
		default:
			return s.principals, nil
		}
	}
	return "", err
}

func (s signer) forGit() bool {
	return len(s.namespaces) == 0 || slices.ContainsFunc(s.namespaces, func(pattern string) bool {
		ok, err := path.Match(strings.TrimSpace(pattern), gitNamespace)
		return ok && err == nil
	})
}
