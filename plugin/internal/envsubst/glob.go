package envsubst

import (
	"strings"
	"unicode/utf8"
)

// glob is a pattern of # and %: * stands for any text, ? for a character, [a-z] and [^a-z] for one of a class, and a backslash takes
// the meaning from the next character. Other than for files, a slash is a character as all others.
type glob []piece

// piece is a part of a pattern without stars. With star, any text may stand before it.
type piece struct {
	star  bool
	terms []term
}

// term stands for one byte, or with class or any for one character.
type term struct {
	literal byte
	any     bool
	class   *class
}

type class struct {
	not    bool
	ranges [][2]rune
}

// compile reads a pattern. It is not ok when the pattern is malformed: such a pattern matches nothing.
func compile(pattern string) (g glob, ok bool) {
	now := piece{}
	for len(pattern) > 0 {
		switch pattern[0] {
		case '*':
			if now.star || len(now.terms) > 0 {
				g = append(g, now)
			}
			pattern = strings.TrimLeft(pattern, "*")
			now = piece{star: true}
			continue
		case '?':
			now.terms = append(now.terms, term{any: true})
		case '[':
			c, rest, ok := readClass(pattern[1:])
			if !ok {
				return nil, false
			}
			now.terms = append(now.terms, term{class: c})
			pattern = rest
			continue
		case '\\':
			if pattern = pattern[1:]; pattern == "" {
				return nil, false
			}
			fallthrough
		default:
			now.terms = append(now.terms, term{literal: pattern[0]})
		}
		pattern = pattern[1:]
	}
	if now.star || len(now.terms) > 0 {
		g = append(g, now)
	}
	return g, true
}

// readClass reads a class after its bracket, and returns what follows it.
func readClass(text string) (c *class, rest string, ok bool) {
	c = &class{}
	if strings.HasPrefix(text, "^") {
		c.not, text = true, text[1:]
	}
	for len(c.ranges) == 0 || !strings.HasPrefix(text, "]") {
		low, after, ok := readMember(text)
		if !ok {
			return nil, "", false
		}
		high := low
		if text = after; text[0] == '-' {
			if high, text, ok = readMember(text[1:]); !ok {
				return nil, "", false
			}
		}
		c.ranges = append(c.ranges, [2]rune{low, high})
	}
	return c, text[1:], true
}

// readMember reads a character of a class. Something has to follow it.
func readMember(text string) (r rune, rest string, ok bool) {
	if text == "" || text[0] == '-' || text[0] == ']' {
		return 0, "", false
	}
	text = strings.TrimPrefix(text, `\`)
	r, size := utf8.DecodeRuneInString(text)
	if r == utf8.RuneError && size <= 1 || len(text) == size {
		return 0, "", false
	}
	return r, text[size:], true
}

func (c *class) holds(r rune) bool {
	for _, span := range c.ranges {
		if span[0] <= r && r <= span[1] {
			return !c.not
		}
	}
	return c.not
}

// matches tells whether the whole of text fits. A piece after a star takes the first place that it finds, and keeps it. It spends
// steps, and stops when less than none are left.
func (g glob) matches(text string, steps *int) bool {
	for i, p := range g {
		last := i == len(g)-1
		if p.star && len(p.terms) == 0 {
			return true
		}
		rest, ok := p.at(text, steps)
		ok = ok && (!last || rest == "")
		for skip := 1; !ok && p.star && skip <= len(text) && *steps >= 0; skip++ {
			if rest, ok = p.at(text[skip:], steps); ok && last && rest != "" {
				ok = false
			}
		}
		if !ok {
			return false
		}
		text = rest
	}
	return text == ""
}

// at reports whether text begins with the piece, and returns what follows.
func (p piece) at(text string, steps *int) (rest string, ok bool) {
	*steps--
	for _, t := range p.terms {
		if *steps--; text == "" || *steps < 0 {
			return "", false
		}
		size := 1
		switch {
		case t.any:
			_, size = utf8.DecodeRuneInString(text)
		case t.class != nil:
			var r rune
			if r, size = utf8.DecodeRuneInString(text); !t.class.holds(r) {
				return "", false
			}
		case text[0] != t.literal:
			return "", false
		}
		text = text[size:]
	}
	return text, true
}

// withoutPrefix removes the shortest or longest beginning of text, of at least one byte, that fits the pattern.
func withoutPrefix(text, pattern string, longest bool, steps *int) string {
	g, ok := compile(pattern)
	if !ok {
		return text
	}
	for i := 1; i <= len(text) && *steps >= 0; i++ {
		n := i
		if longest {
			n = len(text) + 1 - i
		}
		if g.matches(text[:n], steps) {
			return text[n:]
		}
	}
	return text
}

// withoutSuffix is withoutPrefix for the end. As in Flux, the pattern is read backwards: a class or a backslash in it is malformed
// then, and nothing is removed.
func withoutSuffix(text, pattern string, longest bool, steps *int) string {
	return reversed(withoutPrefix(reversed(text), reversed(pattern), longest, steps))
}

// reversed returns the characters of text from the last to the first. Bytes that are no character become U+FFFD.
func reversed(text string) string {
	runes := []rune(text)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}
