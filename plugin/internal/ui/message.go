package plugin

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// fail prints err and what can be done about it: "error: ..." and "hint: ..." lines on Err. An error that joins
// several becomes one line each; a hint that several share follows the last of them.
func (u *ui) fail(err error) {
	if err == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	parts := splitError(err)
	told := map[string]bool{}
	if u.log != nil {
		for _, part := range parts {
			u.log.Error(part.text, "hint", strings.Join(part.hints, "; "))
		}
		return
	}
	for i, part := range parts {
		u.lead("error:", red, part.text)
		if i+1 < len(parts) && slices.Equal(part.hints, parts[i+1].hints) {
			continue
		}
		for _, h := range part.hints {
			told[h] = true
			u.lead("hint:", plain, h)
		}
	}
	for _, h := range hint.Of(err) {
		if !told[h] {
			u.lead("hint:", plain, h)
		}
	}
}

// warn prints a warning on Err.
func (u *ui) warn(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.warnLine(fmt.Sprintf(format, args...))
}

func (u *ui) warnLine(text string) {
	if u.log != nil {
		u.log.Warn(text)
		return
	}
	u.lead("warning:", yellow, text)
}

// hint prints advice on Err.
func (u *ui) hint(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.lead("hint:", plain, fmt.Sprintf(format, args...))
}

// lead prints text behind a word. Further lines of text are indented, so that none of them passes for one of ours.
func (u *ui) lead(word string, s style, text string) {
	indent := strings.Repeat(" ", len(word)+1)
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		line = u.clean(line)
		switch {
		case i == 0:
			fmt.Fprintln(u.Err, paint(u.colorErr, s, word), line)
		case line != "":
			fmt.Fprintln(u.Err, indent+line)
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
