package sops

import (
	"bytes"
	"strings"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"
)

// decryptDotenv decrypts NAME=value lines. Values are taken as they are but for \n, which stands for the end of a line.
func decryptDotenv(data []byte, identities []age.Identity) (File, error) {
	type line struct {
		comment string
		name    string // "" for a comment
		value   *yaml.Node
	}
	var lines []line
	flat := map[string]string{}
	values := &yaml.Node{Kind: yaml.MappingNode}
	number, block := 0, 0
	for text := range bytes.SplitSeq(data, []byte("\n")) {
		number++
		if len(text) == 0 {
			continue
		}
		if text[0] == '#' {
			lines = append(lines, line{comment: string(text[1:])})
			continue
		}
		name, value, found := strings.Cut(string(text), "=")
		if !found {
			return File{}, &Error{Line: number, Message: "a line of the encrypted file is neither NAME=value nor a comment"}
		}
		value = strings.ReplaceAll(value, `\n`, "\n")
		if key, is := strings.CutPrefix(name, flatKey); is {
			flat[key] = value
			if block == 0 {
				block = number
			}
			continue
		}
		n := textNode(value, number)
		values.Content = append(values.Content, textNode(name, number), n)
		lines = append(lines, line{name: name, value: n})
	}
	d, plain, err := decryptFlat(values, flat, block, identities)
	if err != nil {
		return File{}, err
	}
	f := File{Sealed: plain.Sealed, Open: d.open}
	for _, l := range lines {
		if l.name == "" && l.value == nil {
			f.Text = append(f.Text, d.comment("#"+l.comment, "#", nil)+"\n"...)
			continue
		}
		value, _ := d.plain[l.value].(string)
		f.Text = append(f.Text, l.name+"="+strings.ReplaceAll(value, "\n", `\n`)+"\n"...)
	}
	return f, nil
}
