package sops

import (
	"fmt"
	"strings"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"
)

// section is a section of an INI file.
type section struct {
	name    string
	implied bool // its keys stand before the first header
	comment string
	keys    []iniKey
	values  *yaml.Node
}

type iniKey struct {
	name    string
	comment string
	value   *yaml.Node
}

// defaultSection is the name of the section before the first header.
const defaultSection = "DEFAULT"

// decryptINI decrypts a file as SOPS writes it, with the library gopkg.in/ini.v1, and writes the result as that does.
func decryptINI(data []byte, identities []age.Identity) (File, error) {
	sections, err := readINI(string(data))
	if err != nil {
		return File{}, err
	}
	values, flat, block := &yaml.Node{Kind: yaml.MappingNode}, map[string]string{}, 1
	var kept []section
	for _, s := range sections {
		if s.name != metadataKey {
			kept = append(kept, s)
			values.Content = append(values.Content, textNode(s.name, s.values.Line), s.values)
			continue
		}
		block = s.values.Line
		for _, k := range s.keys {
			flat[k.name] = strings.ReplaceAll(k.value.Value, `\n`, "\n")
		}
	}
	d, plain, err := decryptFlat(values, flat, block, identities)
	if err != nil {
		return File{}, err
	}
	return File{Text: d.writeINI(kept), Sealed: plain.Sealed, Open: d.open}, nil
}

// readINI reads sections, keys and comments.
func readINI(text string) ([]section, error) {
	r := &iniReader{rest: strings.TrimPrefix(text, "\ufeff")}
	current := section{name: defaultSection, implied: true, values: &yaml.Node{Kind: yaml.MappingNode, Line: 1}}
	var all []section
	end := func() {
		if !current.implied || len(current.keys) > 0 {
			all = append(all, current)
		}
	}
	for r.next() {
		switch {
		case r.line == "":
		case r.line[0] == '#', r.line[0] == ';':
			r.comments = append(r.comments, strings.TrimSpace(r.line))
		case r.line[0] == '[':
			last := strings.LastIndexByte(r.line, ']')
			if last < 2 {
				return nil, r.refuse("a section has no name")
			}
			end()
			current = section{name: r.line[1:last], comment: r.comment(), values: &yaml.Node{Kind: yaml.MappingNode, Line: r.number}}
		default:
			at := r.number
			name, value, err := r.key()
			if err != nil {
				return nil, err
			}
			n := textNode(value, at)
			current.keys = append(current.keys, iniKey{name, r.comment(), n})
			current.values.Content = append(current.values.Content, textNode(name, at), n)
		}
	}
	end()
	return all, nil
}

// iniReader reads an INI file line by line.
type iniReader struct {
	rest     string
	line     string // without blanks around it
	number   int
	comments []string // those before what comes next
}

// next goes to the next line.
func (r *iniReader) next() bool {
	if r.rest == "" {
		return false
	}
	r.line = strings.TrimSpace(r.raw())
	return true
}

// raw returns the next line with its end.
func (r *iniReader) raw() string {
	line, rest, found := strings.Cut(r.rest, "\n")
	if found {
		line += "\n"
	}
	r.rest, r.number = rest, r.number+1
	return line
}

func (r *iniReader) refuse(format string, args ...any) error {
	return &Error{Line: r.number, Message: fmt.Sprintf(format, args...)}
}

// comment takes the comments before a section or a key, without the sign at their beginning.
func (r *iniReader) comment() string {
	text := strings.Join(r.comments, "\n")
	r.comments = nil
	switch {
	case strings.HasPrefix(text, ";"):
		return strings.TrimLeft(text, "; ")
	case strings.HasPrefix(text, "#"):
		return strings.TrimLeft(text, "# ")
	}
	return text
}

// iniQuotes are the quotes around what would be read as something else otherwise. The longest comes first.
var iniQuotes = []string{`"""`, "`"}

// key reads the line of a key, and those below that its value goes on in.
func (r *iniReader) key() (name, value string, err error) {
	line := r.line
	for _, quote := range append(iniQuotes, `"`) {
		if inner, is := strings.CutPrefix(line, quote); is {
			var found bool
			if name, line, found = strings.Cut(inner, quote); !found {
				return "", "", r.refuse("a quote of a key is not closed")
			}
			break
		}
	}
	at := strings.IndexAny(line, "=:")
	if at < 0 || at == 0 && name == "" {
		return "", "", r.refuse("a line is neither a section nor a key nor a comment")
	}
	if name == "" {
		name = line[:at]
	}
	value, err = r.value(strings.TrimSpace(line[at+1:]))
	return strings.TrimSpace(name), value, err
}

func (r *iniReader) value(text string) (string, error) {
	for _, quote := range iniQuotes {
		inner, is := strings.CutPrefix(text, quote)
		if !is {
			continue
		}
		if at := strings.LastIndex(inner, quote); at >= 0 {
			return inner[:at], nil
		}
		for inner += "\n"; r.rest != ""; {
			line := r.raw()
			if at := strings.LastIndex(line, quote); at >= 0 {
				return inner + line[:at], nil
			}
			inner += line
		}
		return "", r.refuse("a quote of a value is not closed")
	}
	if strings.HasSuffix(text, `\`) {
		return "", r.refuse("a value goes on in the next line")
	}
	if at := strings.IndexAny(text, "#;"); at >= 0 {
		text = strings.TrimSpace(text[:at])
	}
	for _, quote := range []string{"'", `"`} {
		if len(text) >= 2 && strings.HasPrefix(text, quote) && strings.Index(text[1:], quote) == len(text)-2 {
			return text[1 : len(text)-1], nil
		}
	}
	return text, nil
}

// writeINI writes decrypted sections: keys are aligned, and values get quotes where they need them.
func (d *decryption) writeINI(sections []section) []byte {
	var out strings.Builder
	for i, s := range sections {
		path := []string{s.name}
		writeINIComment(&out, d.comment(s.comment, "", path), false)
		if !s.implied {
			fmt.Fprintf(&out, "[%s]\n", s.name)
		}
		width := 0
		for _, k := range s.keys {
			width = max(width, len(iniName(k.name)))
		}
		for _, k := range s.keys {
			writeINIComment(&out, d.comment(k.comment, "", path), true)
			value, _ := d.plain[k.value].(string)
			fmt.Fprintf(&out, "%-*s = %s\n", width, iniName(k.name), iniValue(value))
		}
		if i < len(sections)-1 {
			out.WriteByte('\n')
		}
	}
	return []byte(out.String())
}

func iniName(name string) string {
	switch {
	case strings.ContainsAny(name, "\"=:"):
		return "`" + name + "`"
	case strings.Contains(name, "`"):
		return `"""` + name + `"""`
	}
	return name
}

func iniValue(value string) string {
	switch {
	case strings.ContainsAny(value, "\n`"):
		return `"""` + value + `"""`
	case strings.ContainsAny(value, "#;"):
		return "`" + value + "`"
	case strings.TrimSpace(value) != value:
		return `"` + value + `"`
	}
	return value
}

func writeINIComment(out *strings.Builder, comment string, trim bool) {
	if comment == "" {
		return
	}
	for line := range strings.SplitSeq(comment, "\n") {
		switch {
		case line != "" && (line[0] == '#' || line[0] == ';'):
			line = line[:1] + " " + strings.TrimSpace(line[1:])
		case trim:
			line = "; " + strings.TrimSpace(line)
		default:
			line = "; " + line
		}
		out.WriteString(line + "\n")
	}
}
