package reconcile

import (
	"errors"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// recall gives this process what the list of apps remembers of the renders of other processes, where it knows less.
func (r observing) recall(p *pass.Pass) {
	if r.list == nil || r.list.Tool != r.Tool {
		return
	}
	b, behind := r.list.IsBehind(p.App.Name)
	if !behind {
		return
	}
	var failed *build.Failed
	if f, ok := b.FailedRender(); ok {
		commit := r.list.Revision.Commit
		failed = &build.Failed{Commit: commit, Config: f.Config, Err: failureOf(b, p.Record, commit), At: f.At, Until: f.Until, Tries: f.Tries}
	}
	p.Env.Renders.Recall(p.App.Name, b.Slow, failed)
}

// failureOf returns the error of a render of another process. The list has its first line, and the record of the app has all
// lines. An app that was never applied has no record.
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
