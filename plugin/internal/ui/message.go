package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Fail prints err on Err, as "error: ..." lines with "hint: ..." lines below them. An error that joins several gets a line for
// each. A hint that several of them share is printed once, after the last of them. Fail does nothing when err is nil.
func (t *Terminal) Fail(err error) {
	if err == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	parts := splitError(err)
	told := map[string]bool{}
	if t.log != nil {
		for _, part := range parts {
			t.log.Error(part.text, "hint", strings.Join(part.hints, "; "))
		}
		return
	}
	for i, part := range parts {
		t.lead("error:", red, part.text)
		if i+1 < len(parts) && slices.Equal(part.hints, parts[i+1].hints) {
			continue
		}
		for _, h := range part.hints {
			told[h] = true
			t.lead("hint:", plain, h)
		}
	}
	for _, h := range hint.Of(err) {
		if !told[h] {
			t.lead("hint:", plain, h)
		}
	}
}

// Warn prints a warning on Err.
func (t *Terminal) Warn(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.warnLine(fmt.Sprintf(format, args...))
}

func (t *Terminal) warnLine(text string) {
	if t.log != nil {
		t.log.Warn(text)
		return
	}
	t.lead("warning:", yellow, text)
}

// Hint prints a hint on Err.
func (t *Terminal) Hint(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lead("hint:", plain, fmt.Sprintf(format, args...))
}

// Note prints a line on Err, without a word in front.
func (t *Terminal) Note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.Err, t.clean(fmt.Sprintf(format, args...)))
}

// Say prints a line on Out.
func (t *Terminal) Say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.Out, t.clean(fmt.Sprintf(format, args...)))
}

// lead prints text behind a word. Further lines of text are indented, so that none of them passes for one of ours.
func (t *Terminal) lead(word string, s style, text string) {
	indent := strings.Repeat(" ", len(word)+1)
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		line = t.clean(line)
		switch {
		case i == 0:
			fmt.Fprintln(t.Err, paint(t.colorErr, s, word), line)
		case line != "":
			fmt.Fprintln(t.Err, indent+line)
		}
	}
}

type errorPart struct {
	text  string
	hints []string
}

// splitError takes apart an error that joins others (errors.Join, render.Problems), below any number of wraps; what the
// wraps say stays in front of each part. An error that wraps two others in one sentence stays whole.
func splitError(err error) []errorPart {
	whole := err.Error()
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		joined, ok := inner.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		parts := joined.Unwrap()
		prefix, ok := strings.CutSuffix(whole, joinedText(parts))
		if !ok || len(parts) == 0 {
			break
		}
		var out []errorPart
		for _, part := range parts {
			for _, f := range splitError(part) {
				out = append(out, errorPart{prefix + f.text, f.hints})
			}
		}
		return out
	}
	return []errorPart{{whole, hint.Of(err)}}
}

func joinedText(parts []error) string {
	lines := make([]string, len(parts))
	for i, part := range parts {
		lines[i] = part.Error()
	}
	return strings.Join(lines, "\n")
}
