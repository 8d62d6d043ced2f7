package bumper

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Identity is what an object is: its group, its kind and its name, as the API server reads them. It is the one answer to
// the question in this package and in package action; nothing compares the text of apiVersion.
type Identity struct {
	Group, Version, Kind, Name string
	// Malformed says what no API server takes as it is written, "" when all is well: "apiVersion \"/v1\"".
	Malformed string
}

var (
	groupRE   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	versionRE = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	kindRE    = regexp.MustCompile(`^[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?$`)
	// What a substitution or a template fills in later is not judged.
	filledLaterRE = regexp.MustCompile(`\$\{[^}]+\}|\{\{.*\}\}`)
)

// Identify says what an object is whose fields apiVersion, kind and metadata.name have these values. An empty name is one
// that is not given.
func Identify(apiVersion, kind, name string) Identity {
	id := Identity{Version: apiVersion, Kind: kind, Name: name}
	if i := strings.LastIndexByte(apiVersion, '/'); i >= 0 {
		id.Group, id.Version = apiVersion[:i], apiVersion[i+1:]
	}
	switch {
	case !filledLater(apiVersion) && (strings.Contains(apiVersion, "/") && !groupRE.MatchString(id.Group) || !versionRE.MatchString(id.Version)):
		id.Malformed = "apiVersion " + quoted(apiVersion)
	case !filledLater(kind) && (!kindRE.MatchString(kind) || len(kind) > 63):
		id.Malformed = "kind " + quoted(kind)
	case !filledLater(name) && !isName(name):
		id.Malformed = "name " + quoted(name)
	}
	return id
}

func filledLater(s string) bool { return filledLaterRE.MatchString(s) }

// isName says whether a name can be a part of the path of a request, as the API server wants it of every kind.
func isName(s string) bool {
	if s == "." || s == ".." || len(s) > 253 || strings.ContainsAny(s, "/%\\") {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// IsSecret says whether an object is a Secret of Kubernetes, in whatever version. What is malformed is taken for one when
// somebody might read it as one: a group that is empty but for slashes and blanks, a kind in other letters.
func (id Identity) IsSecret() bool {
	if id.Malformed == "" {
		return id.Group == "" && id.Kind == "Secret"
	}
	letters := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, id.Kind)
	return strings.EqualFold(letters, "Secret") && !groupRE.MatchString(id.Group)
}

// quoted is a text in quotes, shortened, without characters that steer a terminal.
func quoted(s string) string {
	if runes := []rune(s); len(runes) > 80 {
		s = string(runes[:80]) + "..."
	}
	return strconv.QuoteToASCII(s)
}

// identified is an object of a file with what is written in it. Lists are taken apart.
type identified struct {
	Identity
	root   *yaml.Node
	at     []step
	fields []pair
}

// pair is a field of a mapping. A key may be there twice: readers differ in which one they take, so both count.
type pair struct {
	key   string
	value *yaml.Node
}

const maxDepth = 20 // of aliases, merges and lists in lists

// identify finds the objects in a node: itself, and the items of a list. A mapping without a kind is none. apiVersion and kind
// are those of the list, for items that do not say what they are.
func identify(node *yaml.Node, at []step, apiVersion, kind string) []identified {
	node = target(node)
	if node == nil || node.Kind != yaml.MappingNode || len(at) > 2*maxDepth {
		return nil
	}
	fields := pairs(node, 0)
	versions, kinds := texts(fields, "apiVersion", apiVersion), texts(fields, "kind", kind)
	if len(kinds) == 0 {
		return nil
	}
	var out []identified
	for _, id := range identities(versions, kinds, namesOf(fields)) {
		out = append(out, identified{id, node, at, fields})
	}
	for _, f := range fields {
		list := target(f.value)
		if f.key != "items" || list == nil || list.Kind != yaml.SequenceNode {
			continue
		}
		for i, item := range list.Content {
			inside := append(slices.Clone(at), step{key: "items"}, step{kind: byIndex, index: i})
			out = append(out, identify(item, inside, firstOf(versions), strings.TrimSuffix(kinds[0], "List"))...)
		}
	}
	return out
}

// identities are all that an object may be whose keys are there twice. Without an apiVersion it is none that a server takes,
// and much that is no object has a kind: only a Secret counts then.
func identities(versions, kinds, names []string) []Identity {
	var out []Identity
	for _, kind := range kinds {
		if len(versions) == 0 {
			if id := Identify("", kind, ""); id.IsSecret() {
				out = append(out, id)
			}
		}
		for _, version := range versions {
			for _, name := range names {
				id := Identify(version, kind, name)
				if id.Malformed == "" && len(versions)*len(kinds)*len(names) > 1 {
					id.Malformed = "a key that is there twice: " + quoted(strings.Join(slices.Concat(versions, kinds, names), " "))
				}
				out = append(out, id)
			}
		}
	}
	return out
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// namesOf are the values of metadata.name, "" when there is none.
func namesOf(fields []pair) []string {
	var out []string
	for _, f := range fields {
		if meta := target(f.value); f.key == "metadata" && meta != nil && meta.Kind == yaml.MappingNode {
			out = append(out, texts(pairs(meta, 0), "name", "")...)
		}
	}
	if len(out) == 0 {
		return []string{""}
	}
	return out
}

// target follows aliases.
func target(node *yaml.Node) *yaml.Node {
	for range maxDepth {
		if node == nil || node.Kind != yaml.AliasNode {
			return node
		}
		node = node.Alias
	}
	return nil
}

// pairs are the fields of a mapping, and those that merge keys bring and that it does not have itself.
func pairs(node *yaml.Node, depth int) []pair {
	var out []pair
	for i := 0; i+1 < len(node.Content); i += 2 {
		if key := target(node.Content[i]); key != nil && key.Kind == yaml.ScalarNode && !isMerge(key) {
			out = append(out, pair{scalarText(key), node.Content[i+1]})
		}
	}
	for i := 0; i+1 < len(node.Content) && depth < maxDepth; i += 2 {
		if !isMerge(node.Content[i]) {
			continue
		}
		sources := []*yaml.Node{node.Content[i+1]}
		if v := target(sources[0]); v != nil && v.Kind == yaml.SequenceNode {
			sources = v.Content
		}
		for _, s := range sources {
			if s = target(s); s == nil || s.Kind != yaml.MappingNode {
				continue
			}
			for _, more := range pairs(s, depth+1) {
				if !slices.ContainsFunc(out, func(have pair) bool { return have.key == more.key }) {
					out = append(out, more)
				}
			}
		}
	}
	return out
}

// texts are the values of a key that are scalars, or the value that stands for it when the key is not there.
func texts(fields []pair, key, missing string) []string {
	var out []string
	for _, f := range fields {
		v := target(f.value)
		if f.key != key || v == nil || v.Kind != yaml.ScalarNode || v.ShortTag() == "!!null" {
			continue
		}
		if text := scalarText(v); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	if len(out) == 0 && missing != "" {
		return []string{missing}
	}
	return out
}

// scalarText is the text of a scalar as a decoder reads it: !!binary is base64.
func scalarText(node *yaml.Node) string {
	if node.ShortTag() == "!!binary" {
		if raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(node.Value), "")); err == nil {
			return string(raw)
		}
	}
	return node.Value
}
