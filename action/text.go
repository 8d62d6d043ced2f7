package action

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// GitHub's limits, in characters, with room for what GitHub counts differently.
const (
	maxTitle = 250
	maxBody  = 65000
)

// writing turns a plan into the words of a commit and of a pull request.
type writing struct {
	in   Inputs
	op   operation
	base string
	plan Plan
	hide func(string) string // replaces secrets
	// waits says which gates do not hold; the pull request is a draft then, if there is one at all.
	waits string
}

// expand replaces {image}, {tag} and so on in a template. Values are inserted, never expanded again.
func (w writing) expand(template string) string {
	from := ""
	if len(w.plan.Edits) > 0 {
		from = display.Version(w.plan.Edits[0].Before)
	}
	return w.hide(strings.NewReplacer("{operation}", w.op.name, "{image}", w.op.image, "{tag}", w.op.tag, "{from}", from,
		"{images}", strings.Join(w.summaries(), ", "), "{ref}", w.base, "{repository}", w.in.Repository, "{target}", w.op.slug).Replace(template))
}

// branchName is the pull request's branch. It depends on the request alone, because it is needed before
// the repository is read.
func branchName(in Inputs, op operation) (string, error) {
	name := in.Branch
	if name == "" {
		name = "gitops/{operation}/{target}-" + op.target[:6]
		if in.Ref != "" {
			name = "gitops/{operation}/" + in.Ref + "/{target}-" + op.target[:6]
		}
	}
	name = strings.NewReplacer("{operation}", op.name, "{image}", op.image, "{tag}", op.tag, "{target}", op.slug, "{ref}", in.Ref).Replace(name)
	if branchBadRE.MatchString(name) || len(name) > 200 || strings.HasPrefix(name, "refs/") {
		return "", fmt.Errorf("input branch: %q is not a branch name", name)
	}
	if name == in.Ref {
		return "", fmt.Errorf("input branch: %q is the base branch itself; use pull-request: false to commit to it", name)
	}
	return name, nil
}

func (w writing) title() string {
	t := w.in.Title
	if t == "" {
		t = strings.Join(w.summaries(), ", ")
		if dir := commonDir(w.plan.Edits); w.plan.Lead != "" {
			t = strings.TrimSuffix(w.plan.Lead+": "+t, ": ")
		} else if dir != "." {
			t = dir + ": " + t
		}
	} else {
		t = w.expand(t)
	}
	return display.Shorten(w.hide(display.OneLine(t)), maxTitle)
}

// message is the commit message without its trailer.
func (w writing) message() string {
	if w.in.CommitMessage != "" {
		return strings.TrimSpace(w.expand(w.in.CommitMessage))
	}
	var b strings.Builder
	lead := "Bump "
	if w.plan.Lead != "" {
		lead = w.plan.Lead + ": "
	}
	b.WriteString(display.Shorten(strings.TrimSuffix(lead+strings.Join(w.summaries(), ", "), ": "), 200) + "\n")
	for i, e := range w.plan.Edits {
		if i == 50 {
			fmt.Fprintf(&b, "\nand %d more", len(w.plan.Edits)-i)
			break
		}
		fmt.Fprintf(&b, "\n%s:%d: %s -> %s", display.OneLine(e.File), e.Line, display.OneLine(e.Old), display.OneLine(e.New))
	}
	return w.hide(b.String())
}

// body is the pull request's text above the marker.
func (w writing) body(m marker, notes []string) string {
	var b strings.Builder
	if w.in.Body != "" {
		b.WriteString(unmarked(strings.TrimSpace(w.expand(w.in.Body))) + "\n\n")
	}
	if len(w.plan.Edits) > 0 {
		b.WriteString(editTable(w.plan.Edits))
	}
	for _, n := range append(slices.Clone(w.plan.Notes), notes...) {
		b.WriteString("\n> " + display.Plain(n) + "\n")
	}
	for _, s := range w.plan.Sections {
		b.WriteString("\n" + s)
	}
	if len(m.History) > 1 {
		fmt.Fprintf(&b, "\n<details><summary>%s in this pull request</summary>\n\n", display.Count(len(m.History), w.op.name))
		for _, s := range m.History {
			fmt.Fprintf(&b, "- %s: %s\n", display.Plain(s.At), display.Codes(s.Set))
		}
		b.WriteString("\n</details>\n")
	}
	b.WriteString("\nMerging this pull request changes what is deployed. Reverting it rolls back.\n")
	return w.hide(display.Shorten(b.String(), maxBody-len(m.String())-100))
}

// unmarked returns Markdown without anything that looks like our hidden comments, which say what a pull request is.
func unmarked(s string) string {
	return strings.ReplaceAll(s, strings.TrimSpace(markerStart), "&lt;!-- gitops-action:")
}

// nothingLeft returns the reason for closing a pull request that asked for a set of versions.
func (w writing) nothingLeft(set []string) string {
	text := fmt.Sprintf("`%s` already has this.", w.base)
	images, _ := parseSet(set)
	for _, l := range w.plan.Left {
		asked := slices.ContainsFunc(images, func(i bumper.Image) bool { return i.Normalised() == (bumper.Image{Name: l.What}).Normalised() })
		switch {
		case strings.HasPrefix(l.Reason, "held: "), strings.Contains(l.Reason, " is older than "):
			text = "Nothing is left to promote: " + display.Plain(l.Reason) + "."
		case asked && strings.HasPrefix(l.Reason, "not in "):
			text = "Nothing is left to promote: " + display.Code(l.What) + " is " + display.Plain(l.Reason) + " any more."
		}
	}
	return w.hide(text)
}

func editTable(edits []bumper.Edit) string {
	var b strings.Builder
	what := "Image"
	if slices.ContainsFunc(edits, func(e bumper.Edit) bool { return e.Image == "" }) {
		what = "Image or value"
	}
	b.WriteString("| " + what + " | From | To | File |\n|---|---|---|---|\n")
	for i, e := range edits {
		if i == 200 {
			fmt.Fprintf(&b, "\nand %d more edits\n", len(edits)-i)
			break
		}
		name := e.Before.Name
		if e.Image == "" {
			name = e.Path
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", display.Code(name), display.Code(bare(e.Old, e.Before)), display.Code(bare(e.New, e.After)), display.Code(fmt.Sprintf("%s:%d", e.File, e.Line)))
	}
	return b.String()
}

// bare returns a scalar without the name of the image in front, which has a column of its own in the table.
func bare(scalar string, img bumper.Image) string {
	rest, ok := strings.CutPrefix(scalar, img.Name)
	if !ok || img.Name == "" || rest == "" {
		return scalar
	}
	return strings.TrimLeft(rest, ":@")
}

// summaries are "api 1.8.1 → 1.8.2", one for each image or value.
func (w writing) summaries() []string {
	type item struct{ from, to []string }
	items, order := map[string]*item{}, []string{}
	add := func(list []string, s string) []string {
		if s == "" || slices.Contains(list, s) {
			return list
		}
		return append(list, s)
	}
	for _, e := range w.plan.Edits {
		name, from, to := display.ShortName(e.After.Name), display.Version(e.Before), display.Version(e.After)
		if e.Image == "" {
			name, from, to = e.Path, e.Old, e.New
		}
		if items[name] == nil {
			items[name], order = &item{}, append(order, name)
		}
		it := items[name]
		it.from, it.to = add(it.from, from), add(it.to, to)
	}
	var out []string
	for _, name := range order {
		from := strings.Join(items[name].from, ", ")
		if len(items[name].from) > 2 {
			from = fmt.Sprintf("%d versions", len(items[name].from))
		}
		out = append(out, display.OneLine(strings.TrimSpace(fmt.Sprintf("%s %s → %s", name, from, strings.Join(items[name].to, ", ")))))
	}
	if len(out) > 4 {
		return append(out[:3], fmt.Sprintf("%d more", len(out)-3))
	}
	return out
}

func commonDir(edits []bumper.Edit) string {
	dir := ""
	for i, e := range edits {
		d := path.Dir(e.File)
		if i == 0 {
			dir = d
		}
		for dir != "." && d != dir && !strings.HasPrefix(d, dir+"/") {
			dir = path.Dir(dir)
		}
	}
	if dir == "" {
		return "."
	}
	return dir
}
