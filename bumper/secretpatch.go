package bumper

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

const patchHint = "keep secrets out of Git: SealedSecret, ExternalSecret, VaultStaticSecret or SOPS"

// SecretsOfKustomization returns the places in file where a kustomization makes a Secret with readable values, or puts some
// into one: literals and files of a secretGenerator, and patches, wherever a document has them (Kustomize, Flux, Argo CD).
// read returns a file that the kustomization names, by its path from the root; its error means that there is none. The
// values themselves are not in the result.
//
// It is beside PlainSecrets, not part of it: a bump may edit a kustomization whatever its generators say.
func SecretsOfKustomization(file File, read func(name string) ([]byte, error)) []Refusal {
	if lower := bytes.ToLower(file.Data); !mayHoldSecret(file.Data) && !bytes.Contains(lower, []byte("stringdata")) && !bytes.Contains(lower, []byte("patch")) {
		return nil
	}
	k := kustomization{doc: parseObjects(file), read: read}
	for i, root := range k.doc.roots {
		if len(root.Content) == 0 {
			continue
		}
		var at []step
		if len(k.doc.roots) > 1 {
			at = []step{{kind: byIndex, index: i}}
		}
		k.document(root.Content[0], at)
	}
	return slices.CompactFunc(k.found, func(a, b Refusal) bool { return a == b })
}

type kustomization struct {
	doc   *document
	read  func(name string) ([]byte, error)
	found []Refusal
}

// document looks where kustomizations stand in a document: at its root, in the spec of Flux' Kustomization, in the post-renderers
// of a HelmRelease, and in the sources of an Application.
func (k *kustomization) document(root *yaml.Node, at []step) {
	k.fields(root, at)
	k.below(root, at, "spec", func(spec *yaml.Node, at []step) {
		k.fields(spec, at)
		inside := func(n *yaml.Node, at []step) { k.below(n, at, "kustomize", k.fields) }
		for _, key := range []string{"source", "sources", "postRenderers"} {
			k.below(spec, at, key, inside)
		}
	})
	k.below(root, at, "items", func(item *yaml.Node, at []step) {
		if len(at) < maxDepth {
			k.document(item, at)
		}
	})
}

// below calls do for the values of a key in a mapping; for each item where the value is a list.
func (k *kustomization) below(node *yaml.Node, at []step, key string, do func(*yaml.Node, []step)) {
	node = target(node)
	if node == nil || node.Kind != yaml.MappingNode {
		return
	}
	for _, f := range pairs(node, 0) {
		value := target(f.value)
		if f.key != key || value == nil {
			continue
		}
		here := append(slices.Clone(at), step{key: key})
		if value.Kind != yaml.SequenceNode {
			do(value, here)
			continue
		}
		for i, item := range value.Content {
			if item = target(item); item != nil {
				do(item, append(slices.Clone(here), step{kind: byIndex, index: i}))
			}
		}
	}
}

func (k *kustomization) fields(node *yaml.Node, at []step) {
	k.below(node, at, "secretGenerator", k.generator)
	k.below(node, at, "patches", k.patch)
	k.below(node, at, "patchesJson6902", k.patch)
	k.below(node, at, "patchesStrategicMerge", func(n *yaml.Node, at []step) {
		if n.Kind == yaml.ScalarNode {
			k.content([]byte(scalarText(n)), patchTarget{}, n, at)
		} else {
			k.object(n, patchTarget{}, n, at)
		}
	})
}

func (k *kustomization) refuse(node *yaml.Node, at []step, reason string) {
	line, column := k.doc.nodePosition(node)
	k.found = append(k.found, Refusal{File: k.doc.path, Line: line, Column: column, Path: formatPath(at), Reason: reason, Hint: patchHint})
}

// generator looks at one entry of secretGenerator.
func (k *kustomization) generator(node *yaml.Node, at []step) {
	k.below(node, at, "literals", func(n *yaml.Node, at []step) {
		if _, value, _ := strings.Cut(scalarText(n), "="); !standsIn(strings.Trim(value, `"'`), false) {
			k.refuse(n, at, "a Secret is made of a readable literal")
		}
	})
	for _, key := range []string{"env", "envs"} {
		k.below(node, at, key, func(n *yaml.Node, at []step) {
			if data, there := k.file(scalarText(n)); there && plainEnv(data) {
				k.refuse(n, at, "a Secret is made of readable lines of this file")
			}
		})
	}
	k.below(node, at, "files", func(n *yaml.Node, at []step) {
		name := scalarText(n)
		if _, file, named := strings.Cut(name, "="); named {
			name = file
		}
		if data, there := k.file(name); there && len(bytes.TrimSpace(data)) > 0 && !standsIn(strings.TrimSpace(string(data)), false) && !isSopsFile(data) {
			k.refuse(n, at, "a Secret is made of this readable file")
		}
	})
}

func (k *kustomization) file(name string) ([]byte, bool) {
	name = path.Join(path.Dir(k.doc.path), name)
	if k.read == nil || strings.HasPrefix(name, "../") {
		return nil, false
	}
	data, err := k.read(name)
	return data, err == nil
}

// plainEnv tells whether a file of KEY=VALUE lines has a readable value.
func plainEnv(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if strings.HasPrefix(key, "#") || strings.HasPrefix(key, "sops_") {
			continue
		}
		if !standsIn(strings.Trim(strings.TrimSpace(value), `"'`), false) {
			return true
		}
	}
	return false
}

// isSopsFile tells whether SOPS encrypted a whole file: then it is JSON or YAML with an encrypted value and its metadata.
func isSopsFile(data []byte) bool {
	doc := parseObjects(File{Data: data})
	if len(doc.roots) == 0 {
		return false
	}
	for _, root := range doc.roots {
		if len(root.Content) == 0 || root.Content[0].Kind != yaml.MappingNode {
			return false
		}
		fields := pairs(root.Content[0], 0)
		metadata := slices.ContainsFunc(fields, func(f pair) bool { return f.key == "sops" })
		plain := slices.ContainsFunc(fields, func(f pair) bool { return f.key != "sops" && !allEncrypted(f.value, 0) })
		if !metadata || plain {
			return false
		}
	}
	return true
}

// allEncrypted tells whether every scalar below a node is one that SOPS encrypted, or empty.
func allEncrypted(node *yaml.Node, depth int) bool {
	if node = target(node); node == nil || depth > maxDepth {
		return false
	}
	if node.Kind == yaml.ScalarNode {
		return node.Value == "" || isSopsValue(node.Value)
	}
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		if !allEncrypted(child, depth+1) {
			return false
		}
	}
	return true
}

// patchTarget is the kind that a patch selects, a regular expression as Kustomize takes it; "" when it selects none.
type patchTarget struct{ group, kind string }

// isSecret tells whether the target selects Secrets and says so.
func (t patchTarget) isSecret() bool {
	return t.kind != "" && selects(t.kind, "Secret") && (t.group == "" || selects(t.group, ""))
}

func selects(expression, text string) bool {
	re, err := regexp.Compile("^(?:" + expression + ")$")
	return err != nil || re.MatchString(text)
}

// patch looks at one entry of patches or patchesJson6902.
func (k *kustomization) patch(node *yaml.Node, at []step) {
	var t patchTarget
	k.below(node, at, "target", func(n *yaml.Node, _ []step) {
		if n.Kind == yaml.MappingNode {
			fields := pairs(n, 0)
			t = patchTarget{firstOf(texts(fields, "group", "")), firstOf(texts(fields, "kind", ""))}
		}
	})
	k.below(node, at, "patch", func(n *yaml.Node, at []step) { k.content([]byte(scalarText(n)), t, n, at) })
	k.below(node, at, "path", func(n *yaml.Node, at []step) {
		if data, there := k.file(scalarText(n)); there && !isSopsFile(data) {
			k.content(data, t, n, at)
		}
	})
}

// content looks at the text of a patch, which may be several documents. What is found is reported at the node of the kustomization.
func (k *kustomization) content(text []byte, t patchTarget, node *yaml.Node, at []step) {
	for _, root := range parseObjects(File{Data: text}).roots {
		if len(root.Content) > 0 {
			k.object(root.Content[0], t, node, at)
		}
	}
}

// object looks at one patch: what it merges into an object, or a list of operations.
func (k *kustomization) object(patch *yaml.Node, t patchTarget, node *yaml.Node, at []step) {
	if patch = target(patch); patch == nil {
		return
	}
	if patch.Kind == yaml.SequenceNode {
		for _, op := range patch.Content {
			if op = target(op); op != nil && op.Kind == yaml.MappingNode && plainOperation(pairs(op, 0), t) {
				k.refuse(node, at, "a patch puts a readable value into a Secret")
				return
			}
		}
		return
	}
	objects := identify(patch, nil, "", "")
	secret := slices.ContainsFunc(objects, func(o identified) bool { return o.IsSecret() && plainFields(o, o.usesVault(), "data", "stringData") })
	if !secret && patch.Kind == yaml.MappingNode {
		o := identified{fields: pairs(patch, 0)}
		if keys := t.keys(); len(objects) == 0 || t.isSecret() {
			secret = plainFields(o, o.usesVault(), keys...)
		}
	}
	if secret {
		k.refuse(node, at, "a patch puts a readable value into a Secret")
	}
}

// keys are the fields whose values are those of a Secret, as far as the target tells. No other kind has stringData.
func (t patchTarget) keys() []string {
	if t.isSecret() {
		return []string{"data", "stringData"}
	}
	return []string{"stringData"}
}

// plainFields tells whether one of these fields is a mapping with a readable value.
func plainFields(o identified, vault bool, keys ...string) bool {
	return slices.ContainsFunc(o.fields, func(f pair) bool { return slices.Contains(keys, f.key) && plainMapping(f.value, vault) })
}

func plainMapping(node *yaml.Node, vault bool) bool {
	node = target(node)
	return node != nil && node.Kind == yaml.MappingNode &&
		slices.ContainsFunc(pairs(node, 0), func(p pair) bool { return plainValue(p.value, vault) })
}

func plainValue(node *yaml.Node, vault bool) bool {
	node = target(node)
	return node != nil && node.ShortTag() != "!!null" && (node.Kind != yaml.ScalarNode || !standsIn(scalarText(node), vault))
}

// plainOperation tells whether an operation of a JSON patch writes a readable value into a Secret.
func plainOperation(op []pair, t patchTarget) bool {
	at := firstOf(texts(op, "path", ""))
	field, key, deep := strings.Cut(strings.TrimPrefix(at, "/"), "/")
	for _, f := range op {
		if f.key != "value" {
			continue
		}
		switch {
		case at == "" || at == "/":
			if slices.ContainsFunc(identify(f.value, nil, "", ""), func(o identified) bool { return o.IsSecret() && plainFields(o, false, "data", "stringData") }) {
				return true
			}
		case !slices.Contains(t.keys(), field):
		case deep && key != "":
			return plainValue(f.value, false)
		case plainMapping(f.value, false):
			return true
		}
	}
	return false
}
