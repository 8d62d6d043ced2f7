package sops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"
)

// DecryptFile decrypts a file of a format that Detect found. Errors are as those of Decrypt.
func DecryptFile(data []byte, format Format, identities []age.Identity) (File, error) {
	switch format {
	case Dotenv:
		return decryptDotenv(data, identities)
	case INI:
		return decryptINI(data, identities)
	case YAML, JSON, Binary:
	default:
		return File{}, errors.New("the file is not encrypted")
	}
	documents, err := parseDocuments(data)
	if err != nil || len(documents) == 0 {
		return File{}, &Error{Line: 1, Message: "the encrypted file is neither YAML nor JSON"}
	}
	d, err := begin(documents[0], identities)
	if err != nil {
		return File{}, err
	}
	plain, err := d.documents(documents)
	if err != nil {
		return File{}, err
	}
	f := File{Open: d.open}
	for _, p := range plain {
		f.Values, f.Sealed = append(f.Values, p.Value), append(f.Sealed, p.Sealed...)
	}
	switch format {
	case Binary:
		content, is := plain[0].Value["data"].(string)
		if !is {
			return File{}, &Error{Line: 1, Message: "data is not the content of a file"}
		}
		f.Text, f.Values = []byte(content), nil
	case JSON:
		f.Text, err = d.writeJSON(documents[0].Content[0])
	default:
		f.Text, err = d.writeYAML(documents)
	}
	return f, err
}

// comment decrypts the lines of a comment, each after a sign, where one of the paths fits. What is not encrypted stays as it is.
func (d *decryption) comment(text, sign string, paths ...[]string) string {
	if !strings.Contains(text, "ENC[") {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		for _, path := range paths {
			if plain, kind, err := unseal(strings.TrimPrefix(line, sign), d.key, joined(path)); err == nil && kind == "comment" {
				lines[i] = sign + plain
				break
			}
		}
	}
	return strings.Join(lines, "\n")
}

// writeJSON writes a decrypted object as SOPS does.
func (d *decryption) writeJSON(n *yaml.Node) ([]byte, error) {
	var compact, out bytes.Buffer
	if err := d.json(&compact, n, true); err != nil {
		return nil, err
	}
	if err := json.Indent(&out, compact.Bytes(), "", "\t"); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func (d *decryption) json(out *bytes.Buffer, n *yaml.Node, top bool) error {
	switch n.Kind {
	case yaml.AliasNode:
		return d.json(out, n.Alias, false)
	case yaml.MappingNode:
		out.WriteByte('{')
		first := true
		for i := 0; i+1 < len(n.Content); i += 2 {
			if top && n.Content[i].Value == metadataKey {
				continue
			}
			if !first {
				out.WriteByte(',')
			}
			first = false
			key, err := json.Marshal(n.Content[i].Value)
			if err != nil {
				return err
			}
			out.Write(append(key, ':'))
			if err := d.json(out, n.Content[i+1], false); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case yaml.SequenceNode:
		out.WriteByte('[')
		first := true
		for _, item := range n.Content {
			if _, is := d.comments[item]; is {
				continue
			}
			if !first {
				out.WriteByte(',')
			}
			first = false
			if err := d.json(out, item, false); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	default:
		text, err := json.Marshal(d.plain[n])
		if err != nil {
			return errors.New("a value cannot be written as JSON")
		}
		out.Write(text)
	}
	return nil
}

// writeYAML writes decrypted documents as SOPS does: with its indentation, and with the comments.
func (d *decryption) writeYAML(documents []*yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(4)
	for _, document := range documents {
		plain := d.commented(&yaml.Node{Kind: yaml.DocumentNode}, document, nil)
		root, err := d.node(document.Content[0], nil, nil)
		if err != nil {
			return nil, err
		}
		plain.Content = []*yaml.Node{root}
		if err := encoder.Encode(plain); err != nil {
			return nil, fmt.Errorf("a value cannot be written as YAML")
		}
	}
	return out.Bytes(), encoder.Close()
}

// commented gives out the comments of n, decrypted.
func (d *decryption) commented(out, n *yaml.Node, paths ...[]string) *yaml.Node {
	out.HeadComment, out.LineComment, out.FootComment = d.comment(n.HeadComment, "#", paths...), d.comment(n.LineComment, "#", paths...), d.comment(n.FootComment, "#", paths...)
	return out
}

// node copies a node with its values decrypted. path leads to it, and above to what it is in.
func (d *decryption) node(n *yaml.Node, path, above []string) (*yaml.Node, error) {
	out := &yaml.Node{}
	switch n.Kind {
	case yaml.AliasNode:
		return d.node(n.Alias, path, above)
	case yaml.MappingNode:
		out.Kind = yaml.MappingNode
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if path == nil && name == metadataKey {
				continue
			}
			key := &yaml.Node{}
			if err := key.Encode(name); err != nil {
				return nil, err
			}
			value, err := d.node(n.Content[i+1], append(slices.Clip(path), name), path)
			if err != nil {
				return nil, err
			}
			out.Content = append(out.Content, d.commented(key, n.Content[i], path), value)
		}
	case yaml.SequenceNode:
		out.Kind = yaml.SequenceNode
		var before []string // comments
		for _, item := range n.Content {
			if text, is := d.comments[item]; is {
				before = append(before, "#"+text)
				continue
			}
			value, err := d.node(item, path, path)
			if err != nil {
				return nil, err
			}
			if len(before) > 0 {
				value.HeadComment, before = strings.TrimSuffix(strings.Join(before, "\n")+"\n"+value.HeadComment, "\n"), nil
			}
			out.Content = append(out.Content, value)
		}
		if last := len(out.Content) - 1; last >= 0 && len(before) > 0 {
			out.Content[last].FootComment = strings.Join(before, "\n")
		}
	default:
		if err := out.Encode(d.plain[n]); err != nil {
			return nil, errors.New("a value cannot be written as YAML")
		}
	}
	return d.commented(out, n, path, above), nil
}
