package access

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

const maxMirrors = 1 << 20 // bytes of mirrors.yaml

// Mirrors is the name of a file that maps prefixes of addresses to others, "" for none. It is read at each use, so a file that was
// exchanged counts at once.
type Mirrors string

// mirror is one line of the file.
type mirror struct{ prefix, to string }

// Of returns the address that is asked in place of another one: that of the longest prefix that fits, "" where none does. A prefix ends
// between two elements of a path. An address that leads up within its path is an error where a prefix fits.
func (m Mirrors) Of(address string) (string, error) {
	if m == "" {
		return "", nil
	}
	all, err := m.read()
	if err != nil {
		return "", err
	}
	u, err := parse(address)
	if err != nil {
		return "", nil //nolint:nilerr // whoever asks the address says what is wrong with it
	}
	asked := plain(u)
	longest := mirror{}
	for _, one := range all {
		rest, fits := strings.CutPrefix(asked, one.prefix)
		if fits && (rest == "" || rest[0] == '/' || rest == ".git") && len(one.prefix) > len(longest.prefix) {
			longest = one
		}
	}
	if longest.prefix == "" {
		return "", nil
	}
	rest := strings.TrimPrefix(asked, longest.prefix)
	if climbs(rest) {
		return "", fmt.Errorf("the path of %s leads up: it has no mirror", asked)
	}
	if u.RawQuery != "" {
		rest += "?" + u.RawQuery
	}
	return longest.to + rest, nil
}

// read reads the file.
func (m Mirrors) read() ([]mirror, error) {
	file, err := os.Open(string(m))
	if err != nil {
		return nil, fmt.Errorf("mirrors: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxMirrors+1))
	if err != nil {
		return nil, fmt.Errorf("mirrors: %w", err)
	}
	var doc yaml.Node
	switch err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc); {
	case len(text) > maxMirrors:
		return nil, fmt.Errorf("%s is larger than %d bytes", m, maxMirrors)
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: it cannot be read as YAML", m)
	}
	return m.rules(doc.Content[0])
}

// rules reads the mapping of addresses.
func (m Mirrors) rules(n *yaml.Node) ([]mirror, error) {
	const form = "write one address per line, as in `https://charts.jetstack.io: http://127.0.0.1:5000/jetstack`"
	if n.Kind != yaml.MappingNode {
		return nil, hint.Errorf(fmt.Sprintf("%s:%d: it is not a mapping of addresses", m, n.Line), form)
	}
	var all []mirror
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode {
			return nil, hint.Errorf(fmt.Sprintf("%s:%d: it is not an address and its mirror", m, key.Line), form)
		}
		prefix, err := prefixOf(key.Value, "https", "http", "oci", "ssh")
		if err != nil {
			return nil, hint.With(fmt.Errorf("%s:%d: the address: %w", m, key.Line, err), form)
		}
		from, _, _ := strings.Cut(prefix, "://")
		to, err := prefixOf(value.Value, mirrorsOf[from]...)
		if err != nil {
			return nil, hint.With(fmt.Errorf("%s:%d: the mirror: %w", m, value.Line, err), form)
		}
		if slices.ContainsFunc(all, func(other mirror) bool { return other.prefix == prefix }) {
			return nil, hint.Errorf(fmt.Sprintf("%s:%d: %s is given twice", m, key.Line, prefix), "keep one of the two")
		}
		all = append(all, mirror{prefix, to})
	}
	return all, nil
}

// mirrorsOf says which schemes may stand for which. A Git repository has any address, a registry without TLS is http.
var mirrorsOf = map[string][]string{
	"https": {"https", "http", "ssh"},
	"http":  {"https", "http", "ssh"},
	"ssh":   {"https", "http", "ssh"},
	"oci":   {"oci", "http"},
}

// prefixOf reads an address of the file.
func prefixOf(text string, schemes ...string) (string, error) {
	u, err := parse(text)
	if err != nil {
		return "", err
	}
	if !slices.Contains(schemes, u.Scheme) {
		return "", fmt.Errorf("it begins with %s://, and not with %s://", u.Scheme, strings.Join(schemes, ":// or "))
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("it has a query or fragment")
	}
	if climbs(u.EscapedPath()) {
		return "", errors.New("its path leads up")
	}
	return plain(u), nil
}
