package bumper

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// notFound says that nothing names an image, with the names of the tree that are like it.
func (b *bump) notFound(want Image) error {
	b.tree.parseEverything()
	e := &NotFoundError{Image: want.Name}
	seen := map[string]bool{}
	var names []string
	for _, l := range b.named(func(f *found) bool { return f.image.Name != "" && !f.guessed }) {
		if !seen[l.image.Name] {
			seen[l.image.Name] = true
			names = append(names, l.image.Name)
		}
	}
	e.Near = Nearest(want.Name, names, 5)
	for i, f := range b.tree.files {
		if b.tree.context[i] {
			continue
		}
		for _, m := range mentionsOf(f.Data, want) {
			if line, _ := position(f.Data, m.offset); len(e.Elsewhere) < 5 {
				e.Elsewhere = append(e.Elsewhere, fmt.Sprintf("%s:%d", f.Path, line))
			}
		}
	}
	if len(e.Elsewhere) > 0 {
		e.Hint = "bump edits images, not text; edit it there manually, or with an explicit edit"
	}
	unknown := b.named(func(f *found) bool { return f.image.Name == "" && f.policy != nil })
	if len(unknown) > 0 {
		e.Hint = fmt.Sprintf("%s follows the ImagePolicy %s, but no file says which image that is about",
			unknown[0].doc.place(unknown[0].at()), unknown[0].policy.name)
	}
	return e
}

// Nearest returns at most n names that are like wanted, best first: those with the same last part, then those that
// differ in few letters.
func Nearest(wanted string, names []string, n int) []string {
	type scored struct {
		name  string
		score int
	}
	last := func(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }
	var close []scored
	for _, name := range names {
		whole, part := distance(wanted, name), distance(last(wanted), last(name))
		switch {
		case part == 0 || whole <= 2:
			close = append(close, scored{name, min(whole, 50)})
		case part <= max(1, len(last(wanted))/3):
			close = append(close, scored{name, 100*part + min(whole, 50)})
		}
	}
	slices.SortStableFunc(close, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.name, b.name))
	})
	var out []string
	for _, s := range close[:min(n, len(close))] {
		out = append(out, s.name)
	}
	return out
}

// distance is the number of letters to insert, delete or replace to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
