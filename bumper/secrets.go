package bumper

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// PlainSecrets returns the places in file where a Secret has readable data: for a guard on what would be committed.
// Values encrypted by SOPS and placeholders are fine. The values themselves are not in the result. Of a file that does not
// parse, the documents before the mistake count.
func PlainSecrets(file File) []Refusal {
	if !mayHoldSecret(file.Data) {
		return nil
	}
	var out []Refusal
	doc := parseObjects(file)
	for _, o := range doc.objects() {
		if o.IsSecret() {
			out = append(out, doc.plainData(o)...)
		}
	}
	return slices.CompactFunc(out, func(a, b Refusal) bool { return a == b })
}

// Malformed returns the objects of a file whose apiVersion, kind or name no API server takes as it is written: readers
// differ in what such an object is.
func Malformed(file File) []Refusal {
	var out []Refusal
	doc := parseObjects(file)
	for _, o := range doc.objects() {
		if o.Malformed == "" {
			continue
		}
		line, column := doc.nodePosition(o.root)
		out = append(out, Refusal{File: file.Path, Line: line, Column: column, Reason: "an object with " + o.Malformed,
			Hint: "write apiVersion as VERSION or GROUP/VERSION, kind as the name of a kind, and metadata.name as Kubernetes takes it"})
	}
	return slices.CompactFunc(out, func(a, b Refusal) bool { return a == b })
}

// mayHoldSecret is false for files in which no object can be a Secret, without parsing them. The word can be written without
// its letters: with escapes, in base64, and in UTF-16.
func mayHoldSecret(data []byte) bool {
	return bytes.Contains(bytes.ToLower(data), []byte("secret")) || bytes.ContainsAny(data, "\\!\x00")
}

// parseObjects parses what it can of a file, also in UTF-16.
func parseObjects(file File) *document {
	data := toUTF8(file.Data)
	doc := &document{path: file.Path, data: data, lines: indexLines(data)}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		root, err := nextRoot(decoder)
		if err != nil {
			return doc
		}
		doc.roots = append(doc.roots, root)
	}
}

func nextRoot(decoder *yaml.Decoder) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil { // yaml.v3 has a few left for hostile input
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	root = &yaml.Node{}
	return root, decoder.Decode(root)
}

// toUTF8 decodes UTF-16, which starts with a byte order mark. Other bytes are what they are.
func toUTF8(data []byte) []byte {
	var order func(a, b byte) uint16
	switch {
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = func(a, b byte) uint16 { return uint16(a)<<8 | uint16(b) }
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		order = func(a, b byte) uint16 { return uint16(b)<<8 | uint16(a) }
	default:
		return data
	}
	var units []uint16
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, order(data[i], data[i+1]))
	}
	var out []byte
	for _, r := range utf16.Decode(units) {
		out = utf8.AppendRune(out, r)
	}
	return out
}

// objects are the objects of all documents.
func (d *document) objects() []identified {
	var out []identified
	for i, root := range d.roots {
		if len(root.Content) == 0 {
			continue
		}
		var at []step
		if len(d.roots) > 1 {
			at = []step{{kind: byIndex, index: i}}
		}
		out = append(out, identify(root.Content[0], at, "", "")...)
	}
	return out
}

// plainData are the first readable values of data and stringData.
func (d *document) plainData(o identified) []Refusal {
	var out []Refusal
	vault := o.usesVault()
	for _, f := range o.fields {
		values := target(f.value)
		if f.key != "data" && f.key != "stringData" || values == nil || values.Kind != yaml.MappingNode {
			continue
		}
		for _, p := range pairs(values, 0) {
			value := target(p.value)
			if value == nil || value.Kind == yaml.ScalarNode && standsIn(scalarText(value), vault) {
				continue
			}
			line, column := d.nodePosition(value)
			out = append(out, Refusal{File: d.path, Line: line, Column: column, Path: formatPath(append(slices.Clone(o.at), step{key: f.key}, step{key: p.key})),
				Reason: "a Secret with readable " + f.key,
				Hint:   "keep secrets out of Git: SealedSecret, ExternalSecret, VaultStaticSecret or SOPS"})
			break
		}
	}
	return out
}
