package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// In a loop, the apps of a gitops.yaml wait for each other's renders: what is done for one app depends on what the others hold.
// They do not wait for long. A render that does not end within its slice makes its app wait, like one whose dependency is not
// healthy, and the others go on. It is made beside the passes, with all the time that it may have: one at a time, and first
// the app that waits longest, so that none of them holds up another one for good. A pass takes up the result.

const (
	renderSlice    = 10 * time.Second // how long the other apps wait for one render
	shortSlice     = 3 * time.Second  // the same, after as many renders as run side by side did not fit
	leastForRender = 30 * time.Second // what a render may take whatever the timeout of the app
)

// errSlow is the error of a render that goes on beside the passes.
var errSlow = errors.New("its render takes longer than " + renderSlice.String() + ", and goes on while the others are reconciled")

// slowRender is an app that waits for its render.
type slowRender struct {
	commit, config string    // of the render that it waits for; "" when there is none
	since          time.Time // when it began to wait
}

// renderTime is what a render of the app may take: its timeout, within bounds.
func (p *pass) renderTime() time.Duration {
	if p.app.Timeout <= 0 {
		return render.DefaultTime
	}
	return min(max(p.app.Timeout, leastForRender), render.DefaultTime)
}

// isSliced tells whether other apps wait for the renders of the pass.
func (p *pass) isSliced() bool { return p.listed != nil && p.opts.Loop && !p.opts.DryRun }

// slice is how long the render of the pass may hold up others, 0 for as long as it takes.
func (p *pass) slice() time.Duration {
	switch {
	case !p.isSliced():
		return 0
	case p.opts.ranOut != nil && p.opts.ranOut.Load() >= rendersAtOnce:
		return shortSlice
	}
	return renderSlice
}

// isSlow tells whether the app waits for its render of a commit, or with "" whether its last render did not fit into a slice.
func (p *pass) isSlow(commit string) bool {
	m := p.memory()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.slow[p.app.Name]
	return p.isSliced() && s != nil && (commit == "" || s.commit == commit && s.config == p.config)
}

// noteSlow lets the app wait for its render.
func (p *pass) noteSlow() {
	m := p.memory()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &slowRender{commit: p.commit, config: p.config, since: p.Now().UTC().Truncate(time.Second)}
	if last := m.slow[p.app.Name]; last != nil && !last.since.IsZero() {
		s.since = last.since // another commit, or process, does not cost it its place
	}
	m.slow[p.app.Name] = s
}

// wasSlow notes how long a render took that has ended. One that did not fit into a slice will not at the next commit.
func (p *pass) wasSlow(took time.Duration) {
	m := p.memory()
	m.mu.Lock()
	defer m.mu.Unlock()
	if took < renderSlice {
		delete(m.slow, p.app.Name)
		return
	}
	m.slow[p.app.Name] = &slowRender{}
}

// waitForRender lets an app wait for its render.
func (p *pass) waitForRender() {
	p.listed.late, p.listed.waits, p.failure = false, errSlow.Error(), nil
}

// besideRender is the render that goes on beside the passes of a loop.
type besideRender struct {
	stop context.CancelFunc
	done chan struct{} // closed when nothing of it is left
}

// renderBeside starts the render that waits longest, unless one is under way. That one goes on when there is a new commit: it may not
// concern the app, and renders would never end in a repository with many commits. A loop whose time is over starts none, unless it has started none at all.
func (l *loop) renderBeside(ctx context.Context, rd *round) {
	var waiting []*pass
	for _, p := range rd.passes {
		if p.listed != nil && p.listed.slow && p.rec != nil {
			waiting = append(waiting, p)
		}
	}
	if l.beside != nil || len(waiting) == 0 || l.isOver() && l.began || ctx.Err() != nil {
		return
	}
	p := slices.MinFunc(waiting, func(a, b *pass) int { return a.slowSince().Compare(b.slowSince()) })
	tree, err := p.Source.Open(ctx, p.commit)
	if err != nil {
		return // the next turn tries again
	}
	options, err := p.renderOptions(ctx, tree.Root)
	if err != nil {
		tree.Close()
		return
	}
	ctx, stop := context.WithCancel(ctx)
	b, alone := &besideRender{stop, make(chan struct{})}, p.aloneFor()
	l.beside, l.began = b, true
	go func() {
		defer stop()
		_, _ = alone.renderTree(ctx, tree, options, 0) // the next turn finds what came of it
		tree.Close()
		close(b.done)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.beside, l.unseen = nil, ctx.Err() == nil
		l.due()
	}()
}

func (p *pass) slowSince() time.Time {
	m := p.memory()
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.slow[p.app.Name]; s != nil {
		return s.since
	}
	return time.Time{}
}

// aloneFor is a pass that only renders, and shares nothing with p that passes change.
func (p *pass) aloneFor() *pass {
	n := p.Reconciler.newPass(p.ctx, p.app, Options{Loop: true})
	n.config, n.commit, n.Teller.Listed, n.listed = p.config, p.commit, true, &listed{}
	n.rec = &record.Record{Inventory: &record.Inventory{}}
	n.rec.Charts = slices.Clone(p.rec.Charts)
	return n
}

// endBeside ends the render that goes on beside the passes.
func (l *loop) endBeside() {
	l.mu.Lock()
	b := l.beside
	l.mu.Unlock()
	if b != nil {
		b.stop()
		<-b.done
	}
}
