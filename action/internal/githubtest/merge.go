package githubtest

import (
	"maps"
	"slices"
	"strings"
)

// mergeTrees merges what two sides made of base, file by file and line by line, as Git's merge does. It returns the
// merged files, and the paths that a person would have to resolve.
func mergeTrees(base, ours, theirs map[string]File) (map[string]File, []string) {
	base, ours, theirs = maps.Clone(base), maps.Clone(ours), maps.Clone(theirs)
	follow(renames(base, ours), base, theirs)
	follow(renames(base, theirs), base, ours)
	out, conflicts := map[string]File{}, []string{}
	paths := map[string]bool{}
	for _, side := range []map[string]File{base, ours, theirs} {
		for p := range side {
			paths[p] = true
		}
	}
	for p := range paths {
		b, inBase := base[p]
		o, inOurs := ours[p]
		t, inTheirs := theirs[p]
		switch {
		case inOurs == inTheirs && o == t, inBase == inTheirs && b == t:
			if inOurs {
				out[p] = o
			}
		case inBase == inOurs && b == o:
			if inTheirs {
				out[p] = t
			}
		case inBase && inOurs && inTheirs:
			text, ok := mergeLines(b.Data, o.Data, t.Data)
			mode, same := o.Mode, o.Mode == t.Mode
			if b.Mode == o.Mode {
				mode, same = t.Mode, true
			}
			if !ok || !same && b.Mode != t.Mode {
				conflicts = append(conflicts, p)
			}
			out[p] = File{Mode: mode, Data: text}
		default: // added twice, or changed by one side and deleted by the other
			conflicts = append(conflicts, p)
		}
	}
	for p := range out { // one side has a file where the other has a directory
		for dir := parent(p); dir != ""; dir = parent(dir) {
			if _, ok := out[dir]; ok {
				conflicts = append(conflicts, dir)
			}
		}
	}
	slices.Sort(conflicts)
	return out, slices.Compact(conflicts)
}

func parent(p string) string { return p[:max(strings.LastIndexByte(p, '/'), 0)] }

// renames are the files that a side moved: gone there, and new under another path with half of their lines at least.
func renames(base, side map[string]File) map[string]string {
	out := map[string]string{}
	for _, old := range sorted(base) {
		if _, there := side[old]; there {
			continue
		}
		best := 0.5
		for _, p := range sorted(side) {
			if _, known := base[p]; known {
				continue
			}
			if s := similarity(base[old].Data, side[p].Data); s >= best && (out[old] == "" || s > best) {
				out[old], best = p, s
			}
		}
	}
	return out
}

// follow moves files in trees that still have them under their old path.
func follow(moved map[string]string, trees ...map[string]File) {
	for old, now := range moved {
		for _, tree := range trees {
			f, ok := tree[old]
			if _, taken := tree[now]; !ok || taken {
				continue
			}
			delete(tree, old)
			tree[now] = f
		}
	}
}

// similarity is the share of the longer text that both have, line by line.
func similarity(a, b string) float64 {
	if a == b {
		return 1
	}
	have := map[string]int{}
	for _, line := range lines(a) {
		have[line]++
	}
	same := 0
	for _, line := range lines(b) {
		if have[line] > 0 {
			have[line]--
			same += len(line)
		}
	}
	return float64(same) / float64(max(len(a), len(b), 1))
}

// hunk replaces the lines [from, to) of the base.
type hunk struct {
	from, to int
	text     []string
}

// mergeLines merges two changes of a text. Changes that touch each other are a conflict unless both are the same, as
// in git merge-file.
func mergeLines(base, ours, theirs string) (string, bool) {
	b := lines(base)
	left, right := hunks(b, lines(ours)), hunks(b, lines(theirs))
	var out []string
	at, clean := 0, true
	for len(left)+len(right) > 0 {
		group := nextGroup(&left, &right)
		out = append(out, b[at:group.from]...)
		mine, yours := group.side(b, group.left), group.side(b, group.right)
		switch {
		case len(group.right) == 0, slices.Equal(mine, yours):
			out = append(out, mine...)
		case len(group.left) == 0:
			out = append(out, yours...)
		default:
			clean = false
			out = append(append(append(out, "<<<<<<<\n"), mine...), "=======\n")
			out = append(append(out, yours...), ">>>>>>>\n")
		}
		at = group.to
	}
	return strings.Join(append(out, b[at:]...), ""), clean
}

// together are changes of both sides that touch each other, and the lines of the base between the first and the last.
type together struct {
	from, to    int
	left, right []hunk
}

func nextGroup(left, right *[]hunk) together {
	take := func(list *[]hunk) hunk {
		h := (*list)[0]
		*list = (*list)[1:]
		return h
	}
	var g together
	if len(*right) == 0 || len(*left) > 0 && (*left)[0].from <= (*right)[0].from {
		g.left = []hunk{take(left)}
		g.from, g.to = g.left[0].from, g.left[0].to
	} else {
		g.right = []hunk{take(right)}
		g.from, g.to = g.right[0].from, g.right[0].to
	}
	for {
		switch {
		case len(*left) > 0 && (*left)[0].from <= g.to && (len(g.right) > 0 || (*left)[0].from < g.to):
			g.left = append(g.left, take(left))
			g.to = max(g.to, g.left[len(g.left)-1].to)
		case len(*right) > 0 && (*right)[0].from <= g.to && (len(g.left) > 0 || (*right)[0].from < g.to):
			g.right = append(g.right, take(right))
			g.to = max(g.to, g.right[len(g.right)-1].to)
		default:
			return g
		}
	}
}

// side is what one side has in place of the group's lines.
func (g together) side(base []string, list []hunk) []string {
	var out []string
	at := g.from
	for _, h := range list {
		out = append(append(out, base[at:h.from]...), h.text...)
		at = h.to
	}
	return append(out, base[at:g.to]...)
}

// hunks are the changes from a to b, by their longest common subsequence.
func hunks(a, b []string) []hunk {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
	}
	n, m := endA-start, endB-start
	length := make([][]int, n+1)
	for i := range length {
		length[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if a[start+i] == b[start+j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var out []hunk
	for i, j := 0, 0; i < n || j < m; {
		if i < n && j < m && a[start+i] == b[start+j] {
			i, j = i+1, j+1
			continue
		}
		h := hunk{from: start + i}
		for i < n || j < m {
			if i < n && j < m && a[start+i] == b[start+j] {
				break
			}
			if j == m || i < n && length[i+1][j] >= length[i][j+1] {
				i++
			} else {
				h.text = append(h.text, b[start+j])
				j++
			}
		}
		h.to = start + i
		out = append(out, h)
	}
	return out
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	out := strings.SplitAfter(s, "\n")
	if out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}
