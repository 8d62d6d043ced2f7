package main

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

//go:embed benchmarks.md.tmpl
var page string

// writeDocument writes the page about sessions to a file, or to standard output when out is empty.
func writeDocument(out string, sessions []session) error {
	t, err := template.New("benchmarks").Funcs(template.FuncMap{
		"duration": duration, "size": thousands, "mebibytes": mebibytes, "verbs": verbs, "total": total,
		"title": func(r result) string { return caseTitle(r.Case) }, "tool": toolTitle, "percent": percent,
	}).Parse(page)
	if err != nil {
		return err
	}
	var text strings.Builder
	err = t.Execute(&text, struct {
		Sessions []session
		Targets  []target
		Growth   []growth
		Installs []installed
	}{sessions, targets(sessions), growths(sessions), installs(sessions)})
	if err != nil {
		return err
	}
	if out == "" {
		_, err = fmt.Print(text.String())
		return err
	}
	return os.WriteFile(out, []byte(text.String()), 0o644)
}

// target is something that was aimed at, and what came of it.
type target struct {
	Text, Measured string
	Met            bool
}

// Verdict is the word for it.
func (t target) Verdict() string {
	if t.Met {
		return "met"
	}
	return "**not met**"
}

// targets compares what was measured with what was aimed at. What was not measured is left out.
func targets(sessions []session) []target {
	var all []target
	for _, s := range sessions {
		all = append(all, noopTargets(s)...)
		all = append(all, installTargets(s)...)
		for _, h := range s.Heals {
			all = append(all, target{fmt.Sprintf("%s objects, loop: 99 of 100 edits are reverted within 500 ms", thousands(h.Size)),
				duration(h.P99), h.P99 < 500*time.Millisecond})
		}
	}
	return all
}

func noopTargets(s session) []target {
	var all []target
	if r, ok := s.find(1000, "noop", "ours"); ok {
		most := len(kinds()) + 1 + 2
		all = append(all,
			target{fmt.Sprintf("1,000 objects, nothing to do: at most kinds + 2 = %d requests", most), strconv.Itoa(total(r.Requests)), total(r.Requests) <= most},
			target{"1,000 objects, nothing to do: at most 64 MiB", mebibytes(r.Peak), r.Peak <= 64<<20})
		for _, peer := range []struct {
			name  string
			times float64
		}{{"flux", 25}, {"kapp", 10}} {
			if p, ok := s.find(1000, "noop", peer.name); ok {
				x := ratio(p, r)
				all = append(all, target{fmt.Sprintf("1,000 objects, nothing to do: at least %.0f times as fast as %s", peer.times, toolTitle(peer.name)),
					fmt.Sprintf("%.1f times", x), x >= peer.times})
			}
		}
	}
	if r, ok := s.find(10000, "noop", "ours"); ok {
		all = append(all,
			target{"10,000 objects, nothing to do: below 1 s", duration(r.Wall), r.Wall < time.Second},
			target{"10,000 objects, nothing to do: below 96 MiB", mebibytes(r.Peak), r.Peak < 96<<20})
	}
	return all
}

// installTargets are about sets that take longer to send than a process to start and to render.
func installTargets(s session) []target {
	var all []target
	for _, in := range installs([]session{s}) {
		if in.Size >= 1000 {
			all = append(all, target{thousands(in.Size) + " objects, first install: within 1.15 of the " + toolTitle(in.Loop), fmt.Sprintf("%.2f", in.Ratio), in.Ratio <= 1.15})
		}
	}
	return all
}

// installed compares a first install with a loop that only sends.
type installed struct {
	Size  int
	Loop  string
	Ratio float64
}

func installs(sessions []session) []installed {
	var all []installed
	for _, s := range sessions {
		for _, size := range s.sizes() {
			ours, _ := s.find(size, "install", "ours")
			for _, loop := range []string{"bare", "waiting"} {
				if bare, ok := s.find(size, "install", loop); ok && ours.Tool != "" {
					all = append(all, installed{size, loop, ratio(ours, bare)})
				}
			}
		}
	}
	return all
}

// growth is how the cost of doing nothing grows with the size.
type growth struct {
	Size     int
	Wall     time.Duration
	Peak     int64
	Requests int
}

func growths(sessions []session) []growth {
	var all []growth
	for _, s := range sessions {
		for _, size := range s.sizes() {
			if r, ok := s.find(size, "noop", "ours"); ok {
				all = append(all, growth{size, r.Wall, r.Peak, total(r.Requests)})
			}
		}
	}
	slices.SortFunc(all, func(a, b growth) int { return a.Size - b.Size })
	return all
}

func (s session) find(size int, name, tool string) (result, bool) {
	i := slices.IndexFunc(s.Results, func(r result) bool { return r.Size == size && r.Case == name && r.Tool == tool })
	if i < 0 {
		return result{}, false
	}
	return s.Results[i], true
}

func (s session) sizes() []int {
	found := map[int]bool{}
	for _, r := range s.Results {
		found[r.Size] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// Groups are the results of one size each.
func (s session) Groups() []group {
	var all []group
	for _, size := range s.sizes() {
		g := group{Size: size}
		for _, r := range s.Results {
			if r.Size == size {
				g.Results = append(g.Results, r)
			}
		}
		for _, x := range s.Skipped {
			if x.Size == size {
				g.Skipped = append(g.Skipped, x)
			}
		}
		all = append(all, g)
	}
	return all
}

// PerEdit is how many requests the loop made for each edit.
func (h healing) PerEdit() int { return total(h.Requests) / h.Edits }

// Missing names the tools and the cases that have no result in the group and were not left out, "" if there are none.
func (g group) Missing() string {
	tools, measured := map[string]bool{}, map[string]bool{}
	for _, r := range g.Results {
		tools[r.Tool], measured[r.Case] = true, true
	}
	for _, x := range g.Skipped {
		tools[x.Tool] = true
	}
	var all []string
	for _, name := range names() {
		if !tools[name] {
			all = append(all, toolTitle(name))
		}
	}
	for _, c := range cases() {
		if !measured[c.name] {
			all = append(all, strings.ToLower(caseTitle(c.name)))
		}
	}
	return strings.Join(all, ", ")
}

// group is what was measured at one size.
type group struct {
	Size    int
	Results []result
	Skipped []skip
}

func caseTitle(name string) string {
	for _, c := range cases() {
		if c.name == name {
			title, _, _ := strings.Cut(c.title, ":")
			return title
		}
	}
	return name
}

func toolTitle(name string) string {
	return map[string]string{"ours": "kubectl gitops", "flux": "Flux' engine", "kapp": "kapp", "kubectl": "kubectl apply", "bare": "bare loop", "waiting": "bare loop that waits"}[name]
}

// ratio is how many times the wall time of b that of a is: the median of the rounds, in which both met the same load.
func ratio(a, b result) float64 {
	var all []float64
	for i := range min(len(a.Walls), len(b.Walls)) {
		all = append(all, float64(a.Walls[i])/float64(b.Walls[i]))
	}
	if len(all) == 0 {
		return 0
	}
	return median(all)
}

func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// percent says how much of one core CPU time was.
func percent(cpu, wall time.Duration) string {
	return fmt.Sprintf("%.0f %%", 100*float64(cpu)/float64(wall))
}

// verbs lists requests by verb, the most frequent first.
func verbs(requests map[string]int) string {
	names := slices.SortedFunc(maps.Keys(requests), func(a, b string) int {
		if requests[a] != requests[b] {
			return requests[b] - requests[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = thousands(requests[name]) + " " + name
	}
	return strings.Join(names, ", ")
}
