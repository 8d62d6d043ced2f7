package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// kitchen is a repository whose renders are counted, and end as result says.
type kitchen struct {
	*Reconciler
	t       *testing.T
	renders int
	result  func(ctx context.Context) ([]manifest.Object, error)
}

func newKitchen(t *testing.T, result func(ctx context.Context) ([]manifest.Object, error)) *kitchen {
	k := &kitchen{t: t, result: result}
	k.Reconciler = &Reconciler{Now: time.Now, Tool: "v1", Records: &store.Store{Namespace: "gitops-system"}}
	k.Render = func(ctx context.Context, _ *os.Root, _ string, _ render.Options) ([]manifest.Object, error) {
		k.renders++
		return k.result(ctx)
	}
	return k
}

// pass is one pass over the app, which was applied before.
func (k *kitchen) pass(commit, config string, opts pass.Options) *pass.Pass {
	k.t.Helper()
	root, err := os.OpenRoot(k.t.TempDir())
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { root.Close() })
	opts.Open = func(context.Context, string) (*source.Tree, error) {
		return &source.Tree{Root: root, Revision: source.Revision{Commit: commit}, Close: func() {}}, nil
	}
	p := pass.New(k.t.Context(), k.env(), app.App{Name: "slow", Path: "slow"}, opts)
	p.Commit, p.Config, p.Listed = commit, config, &pass.Listed{}
	p.Record = &record.Record{Inventory: record.NewInventory("slow")}
	o := desiredtest.Object("ConfigMap", "a")
	p.Record.Applied(record.Row{Ref: o.Ref, UID: "1"})
	return p
}

var (
	wrongFile     = manifest.Problems{{Origin: manifest.Origin{File: "slow/a.yaml", Line: 3}, Message: "not valid YAML", Hint: "mend it"}}
	unanswered    = manifest.Problems{{Origin: manifest.Origin{File: "slow/Chart.yaml", Line: 3}, Message: "no answer", Elsewhere: true}}
	errBeyondTime = fmt.Errorf("rendering slow took longer than 2m0s: %w", render.ErrLimit)
)

func fails(err error) func(context.Context) ([]manifest.Object, error) {
	return func(context.Context) ([]manifest.Object, error) { return nil, err }
}

func TestAttackARenderThatFailedIsRemembered(t *testing.T) {
	loop := pass.Options{Loop: true}
	for name, tt := range map[string]struct {
		err    error
		passes int // five seconds apart
		most   int // renders
		after  func(k *kitchen) *pass.Pass
		again  bool // it is rendered once more in that pass
	}{
		"X13 a file that is wrong, at each pass of nine minutes":        {wrongFile, 108, 4, nil, false},
		"X13 a limit that was exceeded, at each pass of nine minutes":   {errBeyondTime, 108, 1, nil, false},
		"X13 a server that does not answer is asked, but not each time": {unanswered, 108, 7, nil, false},
		"X13 a crash of the renderer may be the machine's":              {errors.New("the renderer crashed"), 108, 7, nil, false},
		"X13 beside it: the next commit":                                {wrongFile, 3, 1, func(k *kitchen) *pass.Pass { return k.pass("c2", "s1", loop) }, true},
		"X13 beside it: other settings":                                 {wrongFile, 3, 1, func(k *kitchen) *pass.Pass { return k.pass("c1", "s2", loop) }, true},
		"X13 beside it: a person asks":                                  {wrongFile, 3, 1, func(k *kitchen) *pass.Pass { return k.pass("c1", "s1", pass.Options{}) }, true},
		"X13 beside it: an hour later": {errBeyondTime, 3, 1, func(k *kitchen) *pass.Pass {
			time.Sleep(time.Hour)
			return k.pass("c1", "s1", loop)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKitchen(t, fails(tt.err))
				for range tt.passes {
					p := k.pass("c1", "s1", loop)
					p.Reading().RenderListed(t.Context())
					if p.Failure == nil || p.Failure.Error() != tt.err.Error() {
						t.Fatalf("failed with %v", p.Failure)
					}
					time.Sleep(5 * time.Second)
				}
				if k.renders > tt.most || k.renders == 0 {
					t.Errorf("%d renders", k.renders)
				}
				if tt.after == nil {
					return
				}
				before := k.renders
				if tt.after(k).Reading().RenderListed(t.Context()); (k.renders > before) != tt.again {
					t.Errorf("%d renders after %d", k.renders, before)
				}
			})
		})
	}
}

// TestAttackTheNextProcessRemembers: the CronJob starts a new process each minute.
func TestAttackTheNextProcessRemembers(t *testing.T) {
	several := append(manifest.Problems{}, wrongFile...)
	several = append(several, manifest.Problem{Origin: manifest.Origin{File: "slow/b.yaml", Line: 1}, Message: "has no kind"})
	for name, tt := range map[string]struct {
		err                  error
		commit, tool, config string
		after                time.Duration
		again                bool
	}{
		"X13 the next process":                  {errBeyondTime, "c1", "v1", "s1", time.Minute, false},
		"X13 almost an hour later":              {errBeyondTime, "c1", "v1", "s1", time.Hour - time.Second, false},
		"X13 a file that is wrong":              {several, "c1", "v1", "s1", 55 * time.Second, false},
		"X13 beside it: an hour later":          {errBeyondTime, "c1", "v1", "s1", time.Hour, true},
		"X13 beside it: the next commit":        {errBeyondTime, "c2", "v1", "s1", time.Second, true},
		"X13 beside it: other settings":         {errBeyondTime, "c1", "v1", "s2", time.Second, true},
		"X13 beside it: another version":        {errBeyondTime, "c1", "v2", "s1", time.Second, true},
		"X13 beside it: a clock that went back": {errBeyondTime, "c1", "v1", "s1", -time.Minute, true},
		"X13 beside it: a server that answers":  {unanswered, "c1", "v1", "s1", time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := newKitchen(t, fails(tt.err))
				p := first.pass("c1", "s1", pass.Options{Loop: true})
				p.Reading().RenderListed(t.Context())
				p.Report.Message = p.Failure.Error()
				p.Record.History = []report.Run{{Result: report.ResultFailed, Revision: report.Revision{Commit: "c1"}, Message: p.Report.Message}}
				b, _ := p.Ending().Behind()
				text, err := json.Marshal(&record.AppList{Tool: "v1", Revision: report.Revision{Commit: "c1"}, Apps: []string{"slow"}, Behind: []record.Behind{b}})
				if err != nil {
					t.Fatal(err)
				}
				list := &record.AppList{}
				if err := json.Unmarshal(text, list); err != nil {
					t.Fatal(err)
				}

				next := newKitchen(t, fails(tt.err))
				next.Tool = tt.tool
				start := time.Now()
				next.Now = func() time.Time { return start.Add(tt.after) }
				q := next.pass(tt.commit, tt.config, pass.Options{Loop: true})
				q.Record = p.Record
				(&run{Reconciler: next.Reconciler, list: list}).observing().recall(q)
				q.Reading().RenderListed(t.Context())
				if (next.renders > 0) != tt.again {
					t.Errorf("%d renders", next.renders)
				}
				if q.Failure == nil || q.Failure.Error() != tt.err.Error() {
					t.Errorf("failed with %v", q.Failure)
				}
				q.Report.Message = q.Failure.Error()
				if c, _ := q.Ending().Behind(); !tt.again && fmt.Sprint(c.Message, c.Hint, c.Rendered, c.Until, c.Tries) != fmt.Sprint(b.Message, b.Hint, b.Rendered, b.Until, b.Tries) {
					t.Errorf("the list would change: %+v, before %+v", c, b)
				}
			})
		})
	}
}

// TestAttackOneSlowTemplate: others do not wait for a template that does not end.
func TestAttackOneSlowTemplate(t *testing.T) {
	endless := func(ctx context.Context) ([]manifest.Object, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(2 * time.Minute):
			return nil, errBeyondTime
		}
	}
	synctest.Test(t, func(t *testing.T) {
		k := newKitchen(t, endless)
		at := time.Now()
		waits := func(p *pass.Pass, most time.Duration) {
			t.Helper()
			start := time.Now()
			p.Reading().RenderListed(t.Context())
			if p.Listed.State != pass.WaitsForRender || p.Failure != nil || p.Listed.Why != build.ErrSlow.Error() || time.Since(start) > most {
				t.Fatalf("state %v, waits %q, %v after %v", p.Listed.State, p.Listed.Why, p.Failure, time.Since(start))
			}
		}
		p := k.pass("c1", "s1", pass.Options{Loop: true})
		waits(p, build.RenderSlice)
		waits(k.pass("c1", "s1", pass.Options{Loop: true}), 0) // the next pass
		waits(k.pass("c2", "s1", pass.Options{Loop: true}), 0) // and the next commit
		if k.renders != 1 {
			t.Errorf("%d renders", k.renders)
		}
		b, behind := p.Ending().Behind()
		if !behind || b.Slow == nil || b.Failed {
			t.Errorf("the next process gets %+v", b)
		}
		next := newKitchen(t, endless)
		q := next.pass("c2", "s1", pass.Options{Loop: true})
		(&run{Reconciler: next.Reconciler, list: &record.AppList{Tool: "v1", Behind: []record.Behind{b}}}).observing().recall(q)
		waits(q, 0)
		if got := q.Env.Renders.SlowSince(q.App.Name); !got.Equal(*b.Slow) || got.After(at.Add(build.RenderSlice)) {
			t.Errorf("it waits since %v", got)
		}

		// Beside the passes it may take all of its time. Then it has failed.
		tree, _ := p.OpenTree(t.Context())
		k.result = endless
		if _, err := p.Builder().Alone().RenderTree(t.Context(), tree, render.Options{}, 0); err == nil || err.Error() != errBeyondTime.Error() {
			t.Fatalf("%v", err)
		}
		if p = k.pass("c1", "s1", pass.Options{Loop: true}); p.Builder().Remembered() == nil {
			t.Error("the failure is forgotten")
		}
		before := k.renders
		if p.Reading().RenderListed(t.Context()); p.Failure == nil || p.Listed.State == pass.WaitsForRender || k.renders != before {
			t.Errorf("state %v, %v, %d renders", p.Listed.State, p.Failure, k.renders-before)
		}
		time.Sleep(time.Hour)
		waits(k.pass("c1", "s1", pass.Options{Loop: true}), 0) // tried again, and beside the others at once

		// A person who asks waits for it.
		start := time.Now()
		p = k.pass("c1", "s1", pass.Options{})
		if p.Reading().RenderListed(t.Context()); p.Failure == nil || time.Since(start) < 2*time.Minute {
			t.Errorf("%v after %v", p.Failure, time.Since(start))
		}
	})
}

func TestAttackSeveralSlowTemplates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKitchen(t, func(ctx context.Context) ([]manifest.Object, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		r := k.newRun(Target{}, pass.Options{Loop: true}, nil)
		start := time.Now()
		for i := range 12 {
			p := k.pass("c1", "s1", r.opts)
			p.App.Name = fmt.Sprint("slow-", i)
			p.Reading().RenderListed(t.Context())
		}
		if took := time.Since(start); took > 2*build.RenderSlice+10*build.ShortSlice {
			t.Errorf("others waited for %v", took) // half of that, with two side by side
		}
	})
}

func TestTheTimeOfARenderIsThatOfItsApp(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 2 * time.Minute, time.Second: 30 * time.Second, time.Minute: time.Minute, time.Hour: 2 * time.Minute} {
		if got := (&build.Builder{App: app.App{Timeout: timeout}}).RenderTime(); got != want {
			t.Errorf("%v: %v", timeout, got)
		}
	}
}
