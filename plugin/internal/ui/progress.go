package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Progress prints what a run does while it works, and how it ended.
type Progress struct {
	t       *Terminal
	dryRun  bool              // lines of changes say that nothing was written
	waiting map[string]string // app and object -> the state last told
}

// NewProgress returns the Progress of one run. With dryRun, lines of changes say that nothing was written.
func NewProgress(t *Terminal, dryRun bool) *Progress {
	return &Progress{t: t, dryRun: dryRun, waiting: map[string]string{}}
}

// Event prints what a run reports while it works. Several goroutines may call it.
func (p *Progress) Event(e report.Event) {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	if p.t.log != nil {
		logEvent(p.t.log, e)
		return
	}
	switch e.Kind {
	case report.Changed:
		p.t.change(p.appOf(e), e.Change, p.dryRun)
	case report.Warning:
		p.t.warnLine(e.Text)
	case report.Waiting:
		if p.newState(e) {
			p.step(e)
		}
	default:
		p.step(e)
	}
}

func (p *Progress) step(e report.Event) {
	fmt.Fprintf(p.t.Err, "%-9s %s%s\n", e.Kind, p.appOf(e), p.t.clean(e.Text))
}

// appOf is what stands in front of what is told of one app of several.
func (p *Progress) appOf(e report.Event) string {
	if !e.Listed {
		return ""
	}
	return p.t.clean(e.App) + ": "
}

// newState tells whether a waiting event says something else than the one before about the same object. The time it
// waits, in brackets at the end, is not a state.
func (p *Progress) newState(e report.Event) bool {
	object, state, _ := strings.Cut(e.Text, ": ")
	if i := strings.LastIndex(state, " ("); i >= 0 && strings.HasSuffix(state, ")") {
		if _, err := time.ParseDuration(state[i+2 : len(state)-1]); err == nil {
			state = state[:i]
		}
	}
	key := e.App + "/" + object
	if last, told := p.waiting[key]; told && last == state {
		return false
	}
	p.waiting[key] = state
	return true
}
