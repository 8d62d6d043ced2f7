package ui

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// maxValue is the longest value of a field that is told in full, in characters.
const maxValue = 40

// wording writes values as words, in the characters of the locale and with ages by one clock.
type wording struct {
	ascii bool // the locale is not UTF-8
	now   func() time.Time
}

// clean makes text from Git or the cluster safe and fit for one line: control characters and those that reorder
// text are escaped, and outside UTF-8 locales the few signs of ours are written in ASCII.
func (w wording) clean(text string) string {
	text = safetext.Line(strings.TrimSpace(text))
	if w.ascii {
		text = strings.NewReplacer("→", "->", "—", "-", "…", "...").Replace(text)
	}
	return text
}

// displayWidth is how many columns of a terminal text takes.
func displayWidth(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case wideRune(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

func wideRune(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth
}

// cut shortens text to n cells, the last of which say that something is missing.
func (w wording) cut(text string, n int) string {
	if displayWidth(text) <= n {
		return text
	}
	dots := w.ellipsis()
	room := max(n-len([]rune(dots)), 0)
	for i, r := range text {
		room -= displayWidth(string(r))
		if room < 0 {
			return strings.TrimRight(text[:i], " ") + dots
		}
	}
	return text
}

// cutName shortens kind.group/name to n cells. The kind gives way first: it is longer, and easier to guess.
func (w wording) cutName(text string, n int) string {
	if displayWidth(text) <= n {
		return text
	}
	kind, name, found := strings.Cut(text, "/")
	if room := n - displayWidth(name) - 1; found && room >= 10 {
		return w.cut(kind, room) + "/" + name
	}
	return w.cut(text, n)
}

// kindWithGroup is the kind of an object at the beginning of a message, with its group.
var kindWithGroup = regexp.MustCompile(`^([a-z0-9]+)(\.[a-z0-9.-]+)/`)

// longPath is the path of a field with more than two parts; what it captures are the last two.
var longPath = regexp.MustCompile(`\b[a-zA-Z]+(?:\.[a-zA-Z0-9]+(?:\[[^\]\s]*\])?)+\.([a-zA-Z0-9]+(?:\[[^\]\s]*\])?\.[a-zA-Z0-9]+)`)

// cutReason shortens a message such as "deployment.apps/web: spec.selector: field is immutable" to n cells. What stands
// last is the reason, and it matters most: first the path goes, then the group of
// the kind, then the beginning of long paths, and only then the end.
func (w wording) cutReason(text string, n int) string {
	if displayWidth(text) <= n {
		return text
	}
	parts := strings.SplitN(text, ": ", 3)
	if len(parts) == 3 && strings.Contains(parts[0], "/") && !strings.Contains(parts[1], " ") {
		text = parts[0] + ": " + parts[2]
	}
	if displayWidth(text) > n {
		text = kindWithGroup.ReplaceAllString(text, "$1/")
	}
	if displayWidth(text) > n {
		text = longPath.ReplaceAllString(text, w.ellipsis()+"$1")
	}
	return w.cut(text, n)
}

func (w wording) ellipsis() string {
	if w.ascii {
		return "..."
	}
	return "…"
}

func (w wording) arrow() string {
	if w.ascii {
		return "->"
	}
	return "→"
}

func (w wording) dash() string {
	if w.ascii {
		return "-"
	}
	return "—"
}

// value is the value of a field as one short word: strings bare when they are simple, lists and maps as JSON. Long
// values lose their middle, because images and URLs differ at the end.
func (w wording) value(v any) string {
	text, ok := v.(string)
	if !ok {
		raw, err := json.Marshal(v)
		if err != nil {
			raw = fmt.Append(nil, v)
		}
		return w.clean(w.middle(string(raw)))
	}
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '"' || safetext.Hostile(r) }) {
		if strings.HasPrefix(text, "***") { // a masked value of a Secret
			return w.clean(text)
		}
		return w.clean(strconv.Quote(w.middle(text)))
	}
	return w.clean(w.middle(text))
}

func (w wording) middle(text string) string {
	runes := []rune(text)
	if len(runes) <= maxValue {
		return text
	}
	const head = 14
	dots := w.ellipsis()
	tail := maxValue - head - len([]rune(dots))
	return string(runes[:head]) + dots + string(runes[len(runes)-tail:])
}

// age is how long ago t was, as kubectl writes it; "-" for never. A clock ahead of ours counts as now.
func (w wording) age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return duration.HumanDuration(max(w.now().Sub(t), 0))
}

// ago is age with one unit, for a sentence.
func (w wording) ago(t time.Time) string {
	return duration.ShortHumanDuration(max(w.now().Sub(t), 0)) + " ago"
}

// took is how long something lasted.
func took(d time.Duration) string {
	switch {
	case d <= 0:
		return "0s"
	case d < time.Second:
		return fmt.Sprintf("%dms", max(d.Milliseconds(), 1))
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + "s"
	}
	return duration.HumanDuration(d)
}

// FirstLine returns the first line of text that is not empty, without spaces before it.
func FirstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
