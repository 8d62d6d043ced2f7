package pins

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/near"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/yamlerror"
)

// maxBytes bounds the file: 2,000 entries are a third of it.
const maxBytes = 1 << 20

var digestForm = regexp.MustCompile(`^(sha256:[0-9a-f]{64}|sha1:[0-9a-f]{40})$`)

// Load reads the gitops.lock.yaml at the root of a checkout; it returns nothing when there is none. What is wrong is returned as
// manifest.Problems.
func Load(root *os.Root) (Lock, error) {
	info, err := root.Stat(Name)
	if _, there := root.Lstat(Name); errors.Is(there, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a regular file")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	f, err := root.Open(Name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	return Parse(data)
}

// Parse reads the text of a gitops.lock.yaml, as Load does.
func Parse(data []byte) (Lock, error) {
	if len(data) > maxBytes {
		return nil, manifest.Problems{{Origin: manifest.Origin{File: Name}, Message: fmt.Sprintf("the file is larger than %d MiB", maxBytes>>20)}}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		w := yamlerror.Explain(data, 0, err.Error())
		return nil, manifest.Problems{{Origin: manifest.Origin{File: Name, Line: w.Line}, Message: w.Message, Hint: w.Hint}}
	}
	r := &reader{}
	var lock Lock
	if len(doc.Content) == 0 {
		r.refuse(&doc, instead("the file"), "the file is empty")
	} else {
		lock = r.file(doc.Content[0])
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b manifest.Problem) int { return cmp.Compare(a.Origin.Line, b.Origin.Line) })
		return nil, r.problems
	}
	return lock, nil
}

// reader collects what is wrong in the file.
type reader struct{ problems manifest.Problems }

func (r *reader) refuse(at *yaml.Node, hint, format string, args ...any) {
	r.problems = append(r.problems, manifest.Problem{Origin: manifest.Origin{File: Name, Line: at.Line}, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// instead is the hint for what a person has written wrong: the command that writes the file reads it first.
func instead(what string) string { return "remove " + what + ", and run `kubectl gitops lock`" }

// mapping returns the values of a mapping that may have some keys and must have the required ones.
func (r *reader) mapping(n *yaml.Node, what string, keys []string, required int) map[string]*yaml.Node {
	values := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		r.refuse(n, instead(what), "%s is not a mapping", what)
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		switch _, twice := values[key.Value]; {
		case !slices.Contains(keys, key.Value):
			r.refuse(key, near.DidYouMean(key.Value, keys), "unknown key %q in %s", key.Value, what)
		case twice:
			r.refuse(key, "keep one of the two", "%s is given twice", key.Value)
		}
		values[key.Value] = n.Content[i+1]
	}
	for _, key := range keys[:required] {
		if values[key] == nil {
			r.refuse(n, instead(what), "%s has no %s", what, key)
		}
	}
	return values
}

// text returns a string, "" where there is no value.
func (r *reader) text(n *yaml.Node, name string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.refuse(n, "", "%s is not a string", name)
		return ""
	}
	return n.Value
}

func (r *reader) file(n *yaml.Node) (lock Lock) {
	values := r.mapping(n, "the file", []string{"apiVersion", "kind", "entries"}, 2)
	for key, want := range map[string]string{"apiVersion": APIVersion, "kind": Kind} {
		if got := values[key]; got != nil && got.Value != want {
			r.refuse(got, "write "+want, "%s: %q is not known", key, got.Value)
		}
	}
	entries := values["entries"]
	if entries == nil {
		return nil
	}
	if entries.Kind != yaml.SequenceNode {
		r.refuse(entries, "", "entries is not a list")
		return nil
	}
	seen := map[string]int{}
	for _, item := range entries.Content {
		e := r.entry(item)
		if first, twice := seen[e.Key()]; twice {
			r.refuse(item, "keep one of the two", "%s is given twice, first in line %d", e, first)
		}
		seen[e.Key()] = item.Line
		lock = append(lock, e)
	}
	return lock
}

func (r *reader) entry(n *yaml.Node) Entry {
	v := r.mapping(n, "the entry", []string{"url", "constraint", "version", "chart", "digest"}, 3)
	e := Entry{URL: r.text(v["url"], "url"), Chart: r.text(v["chart"], "chart"), Constraint: r.text(v["constraint"], "constraint"),
		Version: r.text(v["version"], "version"), Digest: r.text(v["digest"], "digest")}
	if text := e.Misfit(); text != "" && v["version"] != nil && v["constraint"] != nil {
		r.refuse(v["version"], instead("the entry"), "%s: %s", e, text)
	}
	if e.Digest != "" && !digestForm.MatchString(e.Digest) {
		r.refuse(v["digest"], "it is sha256: and 64 characters of 0-9 and a-f", "%q is not a digest", e.Digest)
	}
	return e
}
