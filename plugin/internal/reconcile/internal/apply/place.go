package apply

import (
	"fmt"
	"strings"
)

// mismatch is one place of a manifest that does not fit the schema of its kind.
type mismatch struct {
	path   []any  // names of fields and indices of list items, as far as they are known
	at     string // the same path as people write it
	value  any
	text   string
	advice string
}

func dotted(at, name string) string {
	if strings.ContainsAny(name, "./") {
		return at + "[" + name + "]"
	}
	return strings.TrimPrefix(at+"."+name, ".")
}

// spelt returns a path as people write it, with the indices of list items.
func spelt(path []any) string {
	at := ""
	for _, p := range path {
		switch p := p.(type) {
		case string:
			at = dotted(at, p)
		case int:
			at += fmt.Sprintf("[%d]", p)
		}
	}
	return at
}
