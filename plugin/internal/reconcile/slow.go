package reconcile

import (
	"context"
	"slices"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
)

// renderBeside starts the render that waits longest, unless one is under way. That one goes on when there is a new commit: it may not
// concern the app, and renders would never end in a repository with many commits. A loop whose time is over starts none, unless it has started none at all.
func (l *loop) renderBeside(ctx context.Context, rd *run) {
	var waiting []*pass.Pass
	for _, p := range rd.passes {
		if p.Listed != nil && p.Listed.WaitsForRender && p.Record != nil {
			waiting = append(waiting, p)
		}
	}
	if l.rendering != nil || len(waiting) == 0 || l.isOver() && l.renderStarted || ctx.Err() != nil {
		return
	}
	since := func(p *pass.Pass) time.Time { return p.Env.Renders.SlowSince(p.App.Name) }
	p := slices.MinFunc(waiting, func(a, b *pass.Pass) int { return since(a).Compare(since(b)) })
	tree, err := p.Source.Open(ctx, p.Commit)
	if err != nil {
		return // the next turn tries again
	}
	builder := p.Builder()
	options, err := builder.RenderOptions(ctx, tree.Root)
	if err != nil {
		tree.Close()
		return
	}
	ctx, stop := context.WithCancel(ctx)
	b, alone := &besideRender{stop, make(chan struct{})}, builder.Alone()
	l.rendering, l.renderStarted = b, true
	go func() {
		defer stop()
		_, _ = alone.RenderTree(ctx, tree, options, 0) // the next turn finds what came of it
		tree.Close()
		close(b.done)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.rendering, l.renderEnded = nil, ctx.Err() == nil
		l.due()
	}()
}

// endBeside ends the render that goes on beside the passes.
func (l *loop) endBeside() {
	l.mu.Lock()
	b := l.rendering
	l.mu.Unlock()
	if b != nil {
		b.stop()
		<-b.done
	}
}
