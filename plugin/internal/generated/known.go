package generated

import (
	"encoding/base64"
	"unicode/utf8"
)

// Known are values that live objects have where this render made up others, by the value of this render: an object that is created
// later gets them too, such as the CA of a webhook whose Secret is there already. "" stands for several.
type Known map[string]string

// shortest is the length of a value, in bytes, that is not equal to another one by chance.
const shortest = 8

// Learn adds what a live object has at the pointers.
func (k Known) Learn(rendered, live map[string]any, pointers []string) {
	for _, p := range pointers {
		mine, theirs := textAt(rendered, p), textAt(live, p)
		if theirs == "" {
			continue
		}
		k.add(mine, theirs)
		plain, ok := decoded(mine)
		other, both := decoded(theirs)
		if ok && both {
			k.add(plain, other)
		}
	}
}

func (k Known) add(mine, theirs string) {
	if len(mine) < shortest {
		return
	}
	if before, twice := k[mine]; twice && before != theirs {
		theirs = ""
	}
	k[mine] = theirs
}

// Complete sets the values that are missing in a live object, if all of them are known. Otherwise they would not fit each other, as a
// certificate and its CA. Annotations do not count: they are checksums.
func (k Known) Complete(object map[string]any, missing []string) {
	found := map[string]string{}
	for _, p := range missing {
		path := segments(p)
		if value := k.of(textAt(object, p)); value != "" {
			found[p] = value
		} else if len(path) < 2 || path[len(path)-2] != "annotations" {
			return
		}
	}
	for p, value := range found {
		set(object, segments(p), value)
	}
}

// of returns the live value for one of this render, in the same encoding, "" when it is not known.
func (k Known) of(mine string) string {
	if value := k[mine]; value != "" {
		return value
	}
	if plain, ok := decoded(mine); ok && k[plain] != "" {
		return base64.StdEncoding.EncodeToString([]byte(k[plain]))
	}
	return ""
}

// Missing returns which of the pointers lead to no value in object.
func Missing(object map[string]any, pointers []string) (missing []string) {
	for _, p := range pointers {
		if _, ok := at(object, segments(p)); !ok {
			missing = append(missing, p)
		}
	}
	return missing
}

func textAt(object map[string]any, pointer string) string {
	value, _ := at(object, segments(pointer))
	text, _ := value.(string)
	return text
}

func decoded(text string) (string, bool) {
	plain, err := base64.StdEncoding.DecodeString(text)
	return string(plain), err == nil && len(plain) > 0 && utf8.Valid(plain)
}
