// Package sealed recognises values of encrypted files and of Secrets by what they are, wherever they turn up, and masks them
// there. The renderer collects the values and says with each object which ones there are; everything that prints, stores or
// sends text asks them.
//
// It does NOT decrypt, read files or know what an object is. It cannot recognise a value that was cut, hashed, or encoded in a
// form that is not listed at spellings.
package sealed

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mask is what stands in place of a value.
const Mask = "***"

// Values are values that nobody may see. A nil *Values holds none. They may be used by several goroutines.
type Values struct {
	from  map[string]string // where each comes from
	long  *strings.Replacer // replaces spellings of those that are found inside other text; nil when there are none
	short map[string]bool   // spellings of those that count only where they stand alone
	files []string          // spellings of long values of several lines
}

// The lengths, in bytes, from which a value is looked for where it stands alone, and inside of other text. Shorter ones turn
// up by chance.
const (
	shortest = 4
	inside   = 8
)

// everyday are values that stand in manifests and messages for other reasons. They are no secrets to anybody.
const everyday = ` true false null none admin root user username guest test default public localhost password secret token http https info debug` +
	` warn warning error trace production staging development latest main master postgres postgresql mysql mariadb mongodb redis rabbitmq minio` +
	` grafana prometheus kubernetes cluster kube-system always enabled disabled `

// Telling reports whether a value can be told from ordinary text: it has at least four characters, it is no everyday word, and no
// number of fewer than six digits.
func Telling(value string) bool {
	value = strings.TrimSpace(value)
	if len(value) < shortest || strings.Contains(everyday, " "+strings.ToLower(value)+" ") || strings.Trim(value, "*") == "" {
		return false
	}
	if len(value) < 6 {
		if _, err := strconv.ParseFloat(value, 64); err == nil {
			return false
		}
	}
	return true
}

// New returns the telling ones of values, nil when there are none. from says of each where it comes from. A value that is
// base64 of text stands for that text, too.
func New(from map[string]string) *Values {
	known := map[string]string{}
	for value, at := range from {
		value = strings.TrimSpace(value)
		if Telling(value) {
			known[value] = at
		}
		if plain, is := decoded(value); is {
			known[strings.TrimSpace(plain)] = at
		}
	}
	if len(known) == 0 {
		return nil
	}
	v := &Values{from: known, short: map[string]bool{}}
	var long []string
	for value := range known {
		for _, s := range spellings(value) {
			switch {
			case len(value) < inside:
				v.short[s] = true
			case isFile(value):
				v.files = append(v.files, s)
			default:
				long = append(long, pieces(s)...)
			}
		}
	}
	slices.SortFunc(v.files, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	v.long = replacer(long, func(int) string { return Mask })
	return v
}

// replacer replaces texts, the longest that fits first; nil without any.
func replacer(texts []string, by func(i int) string) *strings.Replacer {
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	texts = slices.Compact(texts)
	pairs := make([]string, 0, 2*len(texts))
	for i, text := range texts {
		pairs = append(pairs, text, by(i))
	}
	if len(pairs) == 0 {
		return nil
	}
	return strings.NewReplacer(pairs...)
}

// Mask returns text with each value replaced by ***. A text without any is returned as it is.
func (v *Values) Mask(text string) string {
	if v == nil || len(text) < shortest {
		return text
	}
	if v.short[strings.TrimSpace(text)] {
		return Mask
	}
	for _, file := range v.files {
		if len(file) <= len(text) {
			text = strings.ReplaceAll(text, file, Mask)
		}
	}
	if v.holdsLong(text) {
		text = v.long.Replace(text)
	}
	return v.maskWords(text)
}

// holdsLong reports whether text holds one of the longer values. It copies nothing: most texts hold none.
func (v *Values) holdsLong(text string) bool {
	if v.long == nil {
		return false
	}
	var w whole
	_, _ = v.long.WriteString(&w, text)
	return w.writes != 1 || w.bytes != len(text)
}

// whole counts what a replacer writes: a text without any match as one piece.
type whole struct{ writes, bytes int }

// WriteString implements io.StringWriter.
func (w *whole) WriteString(text string) (int, error) {
	w.writes++
	w.bytes += len(text)
	return len(text), nil
}

// Write implements io.Writer.
func (w *whole) Write(p []byte) (int, error) { return w.WriteString(string(p)) }

// In reports whether text holds a value.
func (v *Values) In(text string) bool { return v != nil && v.Mask(text) != text }

// Of says where a value in text comes from, "" when there is none. It takes longer than In.
func (v *Values) Of(text string) string {
	if !v.In(text) {
		return ""
	}
	for _, value := range slices.Sorted(maps.Keys(v.from)) {
		if New(map[string]string{value: ""}).In(text) {
			return v.from[value]
		}
	}
	return ""
}

// maskWords masks the short values that stand alone in a text.
func (v *Values) maskWords(text string) string {
	if len(v.short) == 0 {
		return text
	}
	var out strings.Builder
	done := 0
	for at := 0; at < len(text); {
		start := at
		for at < len(text) && !parts(rune(text[at])) {
			at++
		}
		if n := at - start; n >= shortest && v.short[text[start:at]] {
			out.WriteString(text[done:start])
			out.WriteString(Mask)
			done = at
		}
		at++
	}
	if done == 0 {
		return text
	}
	return out.String() + text[done:]
}

// parts tells whether a character ends a word. All of them are ASCII, so bytes can be looked at.
func parts(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsSpace(r) || strings.ContainsRune("\"'`=:,;()[]{}<>|&@/?#", r))
}

// All lists the values, sorted.
func (v *Values) All() []string {
	if v == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(v.from))
}

// Join returns the values of both.
func (v *Values) Join(other *Values) *Values {
	if v == nil || other == nil || v == other {
		return cmp.Or(v, other)
	}
	all := maps.Clone(other.from)
	maps.Copy(all, v.from)
	if len(all) == len(v.from) {
		return v
	}
	return New(all)
}

// Without returns the values that stand in none of texts, which everybody may read. Each text is read once, whatever the number of
// values.
func (v *Values) Without(texts func(yield func(string) bool)) *Values {
	if v == nil {
		return nil
	}
	all := v.All()
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	seen := &seen{found: map[int]bool{}}
	r := replacer(slices.Clone(all), func(i int) string { return mark + strconv.Itoa(i) + mark })
	for text := range texts {
		if seen.inside = false; len(seen.found) < len(all) {
			_, _ = r.WriteString(seen, strings.ReplaceAll(text, mark, " "))
		}
	}
	if len(seen.found) == 0 {
		return v
	}
	left := map[string]string{}
	for i, value := range all {
		if !seen.found[i] {
			left[value] = v.from[value]
		}
	}
	return New(left)
}

// mark stands around the number of a value that was found.
const mark = "\x00"

// seen notes the numbers between marks, and drops the rest.
type seen struct {
	found  map[int]bool
	inside bool
	number []byte
}

// Write implements io.Writer.
func (s *seen) Write(p []byte) (int, error) {
	for _, c := range p {
		switch {
		case c == mark[0] && s.inside:
			if n, err := strconv.Atoi(string(s.number)); err == nil {
				s.found[n] = true
			}
			s.inside, s.number = false, s.number[:0]
		case c == mark[0]:
			s.inside = true
		case s.inside:
			s.number = append(s.number, c)
		}
	}
	return len(p), nil
}

// WriteString implements io.StringWriter.
func (s *seen) WriteString(text string) (int, error) {
	if !s.inside && strings.IndexByte(text, mark[0]) < 0 {
		return len(text), nil
	}
	return s.Write([]byte(text))
}
