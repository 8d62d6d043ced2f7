package bumper

import (
	"bytes"
	"fmt"
	"regexp"

	"gopkg.in/yaml.v3"
)

// A value that stands for a secret without being one: encrypted by SOPS, or filled in later by a substitution.
var notPlainRE = regexp.MustCompile(`^(?:ENC\[.*\]|\$\{[^}]*\}|\$\([^)]*\)|<[^<>]+>|\{\{.*\}\})?$`)

// PlainSecrets returns the places in file where a Secret has readable data: for a guard on what would be committed.
// Values encrypted by SOPS and placeholders are fine. The values themselves are not in the result. A file that does not
// parse has none.
func PlainSecrets(file File) []Refusal {
	if !bytes.Contains(file.Data, []byte("Secret")) {
		return nil
	}
	doc, err := parseDocument(file)
	if err != nil {
		return nil
	}
	var out []Refusal
	for i := range doc.roots {
		if root := doc.rootCursor(i); root != nil {
			out = append(out, doc.plainSecrets(root)...)
		}
	}
	return out
}

func (d *document) plainSecrets(c *cursor) []Refusal {
	fields := c.children()
	kind := text(fields, "kind")
	var out []Refusal
	if items := field(fields, "items"); items != nil && kind != nil && (kind.node.Value == "List" || kind.node.Value == "SecretList") {
		for _, item := range items.children() {
			out = append(out, d.plainSecrets(item)...)
		}
	}
	if version := text(fields, "apiVersion"); kind == nil || kind.node.Value != "Secret" || version == nil || version.node.Value != "v1" {
		return out
	}
	for _, name := range []string{"data", "stringData"} {
		values := field(fields, name)
		if values == nil {
			continue
		}
		for _, value := range values.children() {
			if value.node.Kind == yaml.ScalarNode && notPlainRE.MatchString(value.node.Value) {
				continue
			}
			line, column := d.nodePosition(value.node)
			out = append(out, Refusal{File: d.path, Line: line, Column: column, Path: value.path(),
				Reason: fmt.Sprintf("a Secret with readable %s", name),
				Hint:   "keep secrets out of Git: SealedSecret, ExternalSecret, VaultStaticSecret or SOPS"})
			break
		}
	}
	return out
}
