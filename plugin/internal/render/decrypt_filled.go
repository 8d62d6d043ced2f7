package render

import (
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// A decrypted text may have references to variables in it. What becomes of it is another text, which has to be hidden like the first.

// openTexts are the texts of objects that hold a decrypted value and a reference.
type openTexts []openText

type openText struct {
	object int
	path   []any
	from   string
}

// openTexts finds the decrypted texts that a substitution may change.
func (d *decrypting) openTexts(objects []Object) (found openTexts) {
	known := sealed.New(d.known)
	if known == nil {
		return nil
	}
	for i, o := range objects {
		eachText(o.Object, nil, func(path []any, text string) {
			if strings.Contains(text, "$") && known.In(text) {
				found = append(found, openText{i, path, known.Of(text)})
			}
		})
	}
	return found
}

// keepFilled makes known what a substitution has made of texts.
func (d *decrypting) keepFilled(texts openTexts, objects []Object) {
	for _, t := range texts {
		text := sealed.Text(valueAt(objects[t.object].Object, t.path))
		if strings.TrimSpace(text) == "" {
			continue
		}
		d.hide(text, t.from)
		if e := d.encrypted[objects[t.object].Origin]; e != nil {
			e.own = e.own.Join(sealed.New(map[string]string{text: t.from}))
		}
	}
}

// eachText calls f with each text in a value of JSON, and its path.
func eachText(value any, path []any, f func(path []any, text string)) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			eachText(inner, append(path[:len(path):len(path)], key), f)
		}
	case []any:
		for i, inner := range v {
			eachText(inner, append(path[:len(path):len(path)], i), f)
		}
	case string:
		f(path, v)
	}
}

// valueAt returns what is at a path in a value of JSON, nil when nothing is.
func valueAt(value any, path []any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			fields, _ := value.(map[string]any)
			value = fields[step]
		case int:
			items, _ := value.([]any)
			if step >= len(items) {
				return nil
			}
			value = items[step]
		}
	}
	return value
}
