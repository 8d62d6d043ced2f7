package reconcile

import (
	"errors"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// A render that failed fails again, as long as the commit and the settings are the same. A loop remembers that, and the list of
// apps tells it to the next process: the app fails with the same error at each pass, and is not rendered for that. The memory
// ends, since a render also depends on what is not remembered: the machine, chart servers, keys, and the kinds that are served.

// How long an app is left alone. What the same files cause waits longer than what may be over in a moment.
const (
	againLimit      = time.Hour       // a limit was exceeded: it takes minutes to find that out
	againFirst      = time.Minute     // the files are wrong; doubled with each failure, up to againLimit
	againSoon       = 5 * time.Second // the cause lies elsewhere; doubled as well, up to againSoonAtMost
	againSoonAtMost = 5 * time.Minute
)

// failedRender is a render that failed, and when it is tried again.
type failedRender struct {
	commit, config string
	revision       source.Revision // zero where only the list remembers
	err            error
	at, until      time.Time
	tries          int
}

// holds tells whether the failure is that of a render of this commit with these settings now. A clock that went back proves nothing.
func (f *failedRender) holds(commit, config string, now time.Time) bool {
	return f != nil && f.commit == commit && f.config == config && now.Before(f.until) && !now.Before(f.at)
}

// again returns how long to wait before a render is tried again that failed for the n-th time, counted from 1.
func again(err error, n int) time.Duration {
	var problems manifest.Problems
	switch {
	case errors.Is(err, render.ErrLimit):
		return againLimit
	case errors.Is(err, manifest.ErrElsewhere) || !errors.As(err, &problems):
		return doubled(againSoon, n, againSoonAtMost)
	}
	return doubled(againFirst, n, againLimit)
}

func doubled(d time.Duration, n int, most time.Duration) time.Duration {
	for ; n > 1 && d < most; n-- {
		d *= 2
	}
	return min(d, most)
}

func (m *memory) failureOf(app string) *failedRender {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed[app]
}

// noteFailure remembers that a render failed.
func (m *memory) noteFailure(app, commit, config string, rev source.Revision, now time.Time, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now = now.UTC().Truncate(time.Second)
	f := &failedRender{commit: commit, config: config, revision: rev, err: err, at: now, tries: 1}
	if last := m.failed[app]; last != nil && last.commit == commit && last.config == config {
		f.tries = last.tries + 1
	}
	f.until = now.Add(again(err, f.tries))
	m.failed[app] = f
}

// recall takes what the list of apps remembers of renders into the memory of this process, where that knows less.
func (rd *round) recall(p *pass) {
	if rd.list == nil || rd.list.Tool != rd.Tool {
		return
	}
	b, behind := rd.list.IsBehind(p.app.Name)
	if !behind {
		return
	}
	m := p.memory()
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.Slow != nil && m.slow[p.app.Name] == nil {
		m.slow[p.app.Name] = &slowRender{since: *b.Slow}
	}
	if b.Failed && b.Rendered != nil && b.Until != nil && m.failed[p.app.Name] == nil {
		m.failed[p.app.Name] = &failedRender{commit: rd.list.Revision.Commit, config: b.Config, err: failureOf(b, p.rec, rd.list.Revision.Commit), at: *b.Rendered,
			until: *b.Until, tries: b.Tries}
	}
}

// remembered returns the error that a render of the pass would end with again, nil when it is to be tried. What a person starts
// always is.
func (p *pass) remembered() error {
	f := p.memory().failureOf(p.app.Name)
	if !p.opts.Loop || p.opts.DryRun || !f.holds(p.commit, p.config, p.Now()) {
		return nil
	}
	if f.revision.Commit != "" {
		p.fetched(f.revision)
	}
	return f.err
}

// noteRender adds to what the list says of an app how its render went.
func (p *pass) noteRender(b *record.Behind) {
	if p.unrendered == nil {
		return
	}
	m := p.memory()
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.failed[p.app.Name]; f != nil && p.failure != nil && f.commit == p.commit && f.config == p.config {
		b.Rendered, b.Until, b.Config, b.Tries = &f.at, &f.until, f.config, f.tries
		if hints := hint.Of(f.err); len(hints) > 0 {
			b.Hint = hints[0]
		}
	}
	if s := m.slow[p.app.Name]; s != nil && p.listed.slow {
		b.Slow = &s.since
	}
}

// failureOf is the error of a render that another process made. The record of the app has all lines of it, the list one; the record of
// an app that was never applied does not exist.
func failureOf(b record.Behind, rec *record.Record, commit string) error {
	text := b.Message
	if rec != nil && rec.Inventory != nil && len(rec.History) > 0 {
		last := rec.History[0]
		if line, _, _ := strings.Cut(last.Message, "\n"); last.Result == report.ResultFailed && last.Revision.Commit == commit && line == text {
			text = last.Message
		}
	}
	if b.Hint == "" {
		return errors.New(text)
	}
	return hint.Errorf(text, "%s", b.Hint)
}
