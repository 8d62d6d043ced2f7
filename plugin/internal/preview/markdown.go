package preview

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// How much the document may hold of things that a hostile change could make endless.
const (
	maxListed = 20  // entries of a list
	maxName   = 160 // characters of a name
	minBudget = 2000
	closing   = 200 // bytes kept for the last line
)

// Markdown words p as GitHub-flavoured Markdown of at most maxBytes bytes (at least 2000; 0 is no limit). What does
// not fit is left out and counted. Nothing that comes from a manifest is ever read as markup: names stand in code
// spans, diffs and errors in code blocks, whose fences are longer than any run of backticks inside.
func Markdown(p Preview, maxBytes int) string {
	if maxBytes > 0 {
		maxBytes = max(maxBytes, minBudget)
	}
	var head string
	for listed := maxListed; ; listed /= 4 {
		head = heading(p, listed)
		if maxBytes == 0 || listed == 0 || len(head) < maxBytes/2 {
			break
		}
	}
	b := &budget{left: maxBytes - len(head) - closing, unlimited: maxBytes == 0}
	var out strings.Builder
	out.WriteString(head)
	appsLeft := 0
	for i, a := range p.Apps {
		text, fits := b.app(a)
		if !fits {
			appsLeft = len(p.Apps) - i
			for _, rest := range p.Apps[i:] {
				b.omitted += len(rest.Objects)
			}
			break
		}
		out.WriteString(text)
	}
	if b.omitted+appsLeft > 0 {
		fmt.Fprintf(&out, "\n_Left out to keep this short: %s", report.Plural(b.omitted, "diff"))
		if appsLeft > 0 {
			fmt.Fprintf(&out, " and the details of %s", report.Plural(appsLeft, "app"))
		}
		out.WriteString(". `kubectl gitops preview` shows everything._\n")
	}
	return out.String()
}

// Limit drops the diffs that do not fit into maxBytes bytes together with those before them; 0 is no limit.
func (p *Preview) Limit(maxBytes int) {
	if maxBytes <= 0 {
		return
	}
	left := maxBytes
	for i := range p.Apps {
		for j := range p.Apps[i].Objects {
			o := &p.Apps[i].Objects[j]
			if len(o.Diff) > left {
				o.Diff = ""
				p.Omitted++
				continue
			}
			left -= len(o.Diff)
		}
	}
}

// heading is what everybody should read: what changes, the verdict, and what is dangerous.
func heading(p Preview, listed int) string {
	var out strings.Builder
	fmt.Fprintf(&out, "### %s\n\n", Summary(p))
	if len(p.Apps)+len(p.NotRendered)+len(p.Outside) == 0 {
		return out.String()
	}
	fmt.Fprintf(&out, "**Image-only change: %s**\n", map[bool]string{true: "yes", false: "no"}[p.ImageOnly])
	section := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(&out, "\n**%s**\n\n", fmt.Sprintf(title, len(lines)))
		for _, line := range lines[:min(len(lines), listed)] {
			out.WriteString("- " + line + "\n")
		}
		if more := len(lines) - listed; more > 0 {
			fmt.Fprintf(&out, "- and %d more\n", more)
		}
	}
	var failed, deleted, kept, left, immutable, settings, unread, outside []string
	for _, a := range p.Apps {
		if a.Change == Failed {
			failed = append(failed, code(a.Title()))
		}
		if len(a.Settings) > 0 {
			settings = append(settings, code(a.Title())+": "+settingList(a.Changes))
		}
		for _, o := range a.Objects {
			name := code(o.Object)
			switch {
			case o.deleted():
				deleted = append(deleted, name+" of "+code(a.Title())+takesAlong(o.Object))
			case o.MovedTo != "":
				kept = append(kept, name+" moves from "+code(a.Name)+" to "+code(o.MovedTo))
			case o.Unmanaged != "":
				left = append(left, name+" of "+code(a.Title())+": "+o.Unmanaged)
			case o.Kept:
				kept = append(kept, name+" of "+code(a.Title())+" is no longer managed, and stays")
			case len(o.Immutable) > 0:
				immutable = append(immutable, name+": "+code(strings.Join(o.Immutable, ", "))+fate(o))
			}
		}
	}
	section(":x: Apps that cannot be rendered: %d", failed)
	section(":warning: Deleted from the cluster: %d", deleted)
	section(":warning: Immutable fields change: %d", immutable)
	section("Not deleted: %d", kept)
	section("Left alone: %d", left)
	section("Settings of apps that change: %d", settings)
	section("Images: %d", images(p))
	for _, name := range p.NotRendered {
		unread = append(unread, code(name))
	}
	for _, name := range p.Outside {
		outside = append(outside, code(name))
	}
	section("Changed files that no app is rendered from: %d", unread)
	section("Changed files outside of what is previewed: %d", outside)
	return out.String()
}

// settingList words settings with what they were and become.
func settingList(list []Setting) string {
	var parts []string
	for _, s := range list {
		text := code(s.Name)
		if s.From+s.To != "" {
			text += " " + orNone(s.From) + " → " + orNone(s.To)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func orNone(setting string) string {
	if setting == "" {
		return "none"
	}
	return code(setting)
}

func fate(o Object) string {
	if o.Recreate {
		return " (the object is deleted and recreated, as its annotation or its app allows)"
	}
	return " (the API server will refuse it)"
}

// takesAlong warns of objects whose deletion deletes more.
func takesAlong(id string) string {
	switch {
	case strings.HasPrefix(id, "v1/Namespace/"):
		return ", with everything in it"
	case strings.HasPrefix(id, "apiextensions.k8s.io/CustomResourceDefinition/"):
		return ", with all objects of its kind"
	case strings.HasPrefix(id, "v1/PersistentVolumeClaim/"):
		return ", and with it perhaps its data"
	}
	return ""
}

// images lists each change of an image once, with the number of objects it changes.
func images(p Preview) []string {
	var order []ImageChange
	count := map[ImageChange]int{}
	for _, a := range p.Apps {
		for _, o := range a.Objects {
			for _, c := range o.Images {
				if count[c]++; count[c] == 1 {
					order = append(order, c)
				}
			}
		}
	}
	var lines []string
	for _, c := range order {
		to := strings.TrimLeft(strings.TrimPrefix(c.To, repository(c.To)), ":")
		lines = append(lines, fmt.Sprintf("%s → %s in %s", code(c.From), code(to), report.Plural(count[c], "object")))
	}
	return lines
}

// Summary is one line: how many objects change, in how many apps.
func Summary(p Preview) string {
	c := p.Counts
	var parts []string
	for _, part := range []struct {
		n    int
		what Change
	}{{c.Added, Added}, {c.Changed, Changed}, {c.Removed, Removed}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	all := p.AppCounts
	text := "No objects change"
	if len(parts) > 0 {
		text = "Objects: " + strings.Join(parts, ", ")
	}
	total := all.Added + all.Changed + all.Removed + all.Unchanged + all.Failed
	touched := all.Added + all.Changed + all.Removed
	if total > 1 {
		text += fmt.Sprintf(" in %d of %d apps", touched, total)
	}
	if all.Failed > 0 {
		text += fmt.Sprintf("; %d cannot be rendered", all.Failed)
	}
	return text
}

// budget is what is left of the document.
type budget struct {
	left      int
	unlimited bool
	omitted   int
}

func (b *budget) take(n int) bool {
	if b.unlimited {
		return true
	}
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

const (
	detailsEnd = "</details>\n"
	maxShare   = 4 // one object may take a quarter of what is left
)

// app is the folded section of one app; fits is false when not even its frame does.
func (b *budget) app(a App) (text string, fits bool) {
	open := fmt.Sprintf("\n<details><summary><code>%s</code>: %s</summary>\n\n", escapeHTML(a.Title()), appSummary(a))
	if !b.take(len(open) + len(detailsEnd)) {
		return "", false
	}
	var out strings.Builder
	out.WriteString(open)
	for _, message := range []string{a.Error, a.Note} {
		if message != "" {
			b.write(&out, fence("", firstBytes(safetext.Lines(message), 2000)))
		}
	}
	if a.Withheld != "" {
		b.write(&out, safetext.Lines(a.Withheld)+"\n\n")
	}
	for _, hint := range a.Hints {
		b.write(&out, "hint: "+code(hint)+"\n\n")
	}
	left := 0
	for _, o := range a.Objects {
		if !b.object(&out, o) {
			left++
		}
	}
	b.omitted += left
	out.WriteString(detailsEnd)
	return out.String(), true
}

func appSummary(a App) string {
	var parts []string
	for _, part := range []struct {
		n    int
		what Change
	}{{a.Counts.Added, Added}, {a.Counts.Changed, Changed}, {a.Counts.Removed, Removed}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	switch {
	case a.Change == Failed:
		return "cannot be rendered"
	case a.Change == Added:
		return "new app, " + strings.Join(parts, ", ")
	case a.Change == Removed:
		return "app removed, " + strings.Join(parts, ", ")
	}
	if len(a.Settings) > 0 {
		parts = append(parts, "settings changed")
	}
	return strings.Join(parts, ", ")
}

func (b *budget) write(out *strings.Builder, text string) bool {
	if !b.take(len(text)) {
		return false
	}
	out.WriteString(text)
	return true
}

// object writes one object with its diff, shortened when it is long, and tells whether there was room for it.
func (b *budget) object(out *strings.Builder, o Object) bool {
	title := fmt.Sprintf("**%s** %s\n\n", o.Change, code(o.Object))
	body := o.Diff
	if room := b.left/maxShare - len(title); !b.unlimited && len(body) > room {
		body = firstBytes(body, max(room, 0))
	}
	if strings.Count(body, "\n") < 3 && len(body) < len(o.Diff) {
		return false
	}
	text := title + fence("diff", body)
	if cut := strings.Count(o.Diff, "\n") - strings.Count(body, "\n"); cut > 0 {
		text += fmt.Sprintf("_%s more._\n\n", report.Plural(cut, "line"))
	}
	return b.write(out, text)
}

// firstBytes cuts text after a line, within n bytes.
func firstBytes(text string, n int) string {
	if len(text) <= n {
		return text
	}
	text = text[:n]
	if end := strings.LastIndexByte(text, '\n'); end >= 0 {
		return text[:end+1]
	}
	for len(text) > 0 && !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text
}

// fence makes a code block of text that no line of text can end.
func fence(language, text string) string {
	ticks := strings.Repeat("`", max(3, longestRun(text)+1))
	return ticks + language + "\n" + strings.TrimRight(text, "\n") + "\n" + ticks + "\n\n"
}

// code makes a code span of one line of text that nothing in text can end.
func code(text string) string {
	text = shorten(safetext.Line(strings.ReplaceAll(text, "\n", " ")))
	ticks := strings.Repeat("`", longestRun(text)+1)
	if ticks == "`" && text == strings.TrimSpace(text) && text != "" {
		return ticks + text + ticks
	}
	return ticks + " " + text + " " + ticks
}

func longestRun(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

func escapeHTML(text string) string {
	return html.EscapeString(shorten(safetext.Line(strings.ReplaceAll(text, "\n", " "))))
}

func shorten(text string) string {
	if runes := []rune(text); len(runes) > maxName {
		return string(runes[:maxName]) + "…"
	}
	return text
}
