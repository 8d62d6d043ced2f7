package render

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A replacement may cut a value at a delimiter, and a part of a value cannot be told from other text. So no replacement takes a
// part of a Secret where values are encrypted, and the parts that any other delimiter would make of such a value are looked
// for like the value.

// notice looks for replacements in a part of a kustomization, as the library reads it.
func (c *cuts) notice(value any, at Origin) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			switch text, _ := inner.(string); {
			case sameKey(key, "delimiter") && text != "":
				if c.delimiters == nil {
					c.delimiters = map[string]bool{}
				}
				c.delimiters[text] = true
			case sameKey(key, "source"):
				if source, ok := inner.(map[string]any); ok && cutsSecret(source) {
					c.secrets = append(c.secrets, at)
				}
			}
			c.notice(inner, at)
		}
	case []any:
		for _, item := range v {
			c.notice(item, at)
		}
	}
}

// cutsSecret tells whether the source of a replacement is a part of a value of what may be a Secret.
func cutsSecret(source map[string]any) bool {
	kind, field, cuts := "", "", false
	for key, value := range source {
		switch text, _ := value.(string); {
		case sameKey(key, "kind"):
			kind = text
		case sameKey(key, "fieldPath"):
			field = text
		case sameKey(key, "options"):
			options, _ := value.(map[string]any)
			for _, delimiter := range texts(options, "delimiter") {
				cuts = cuts || delimiter != ""
			}
		}
	}
	return cuts && (kind == "Secret" || kind == "" && (strings.HasPrefix(field, "data") || strings.HasPrefix(field, "stringData")))
}

// noticeCuts looks into the replacements of a kustomization itself.
func (s *survey) noticeCuts(k *kustomization) {
	for _, r := range k.spec.Replacements {
		var value any
		if text, err := json.Marshal(r); err == nil && json.Unmarshal(text, &value) == nil {
			line := k.lines.of("replacements")
			if r.Source != nil {
				line = max(line, k.lines.of(r.Source.FieldPath))
			}
			s.notice(value, Origin{File: k.file, Line: line})
		}
	}
}

// replacementFile checks a file of replacements.
func (s *survey) replacementFile(k *kustomization, name string) error {
	data, err := s.file(k, name)
	if err != nil || data == nil {
		return err
	}
	if looksEncrypted(data) {
		return s.refuse(k.undecrypted(name))
	}
	docs, problem := documents(k.at(name), data)
	if problem != nil {
		return s.refuse(*problem)
	}
	for _, doc := range docs {
		if value, err := toValue(doc.text, false); err == nil { // the library says what is wrong with it
			s.notice(value, Origin{File: k.at(name), Line: doc.line})
		}
	}
	return nil
}

// guardCuts refuses replacements that cut values of Secrets, and returns the values with their parts.
func (t *tree) guardCuts() map[string]string {
	if len(t.known) == 0 {
		return nil
	}
	for _, at := range t.secrets {
		t.problems = append(t.problems, Problem{Origin: at, Message: "the replacement takes a part of a value of a Secret, and values of Secrets are encrypted here: the part could not be masked",
			Hint: "encrypt the part as a separate value, and use that value as the source"})
	}
	all := map[string]string{}
	for value, from := range t.known {
		all[value] = from
		for delimiter := range t.delimiters {
			if !strings.Contains(value, delimiter) {
				continue
			}
			for part := range strings.SplitSeq(value, delimiter) {
				if _, known := t.known[part]; !known {
					all[part] = fmt.Sprintf("a part of %s", from)
				}
			}
		}
	}
	return all
}
