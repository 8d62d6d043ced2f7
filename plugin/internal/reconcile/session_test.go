package reconcile

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// sessionOver is a session whose last run, over these apps, succeeded.
func sessionOver(passes ...*pass.Pass) *Session {
	l := &Session{commit: "c1", lastRunOK: true}
	l.remember(&run{passes: passes}, nil)
	return l
}

func passOf(o *desired.Object, l *pass.Listed) *pass.Pass {
	rec := &record.Record{Inventory: record.NewInventory("app")}
	rec.Applied(record.Row{Ref: o.Ref, UID: "1"})
	rec.AllHealthy = true
	return &pass.Pass{Teller: &tell.Teller{Report: &report.App{}}, Listed: l, Known: pass.Known{Record: rec}}
}

func TestALoopConfinesItselfToDrift(t *testing.T) {
	key := desiredtest.Object("ConfigMap", "a").Key()
	for _, c := range []struct {
		name   string
		listed *pass.Listed
		holds  bool // the loop reacts to what happens to its objects
		narrow bool // and looks at nothing else then
	}{
		{"a single app", nil, true, true},
		{"one of a list", &pass.Listed{}, true, true},
		{"one that waits for another", &pass.Listed{Way: pass.Way{State: pass.Waiting, Why: "waits until the app infra is healthy"}}, true, false},
		{"one that is about to hand something over", &pass.Listed{Way: pass.Way{NotPruned: "it goes to the app b"}}, true, false},
		{"one that left the list and still has objects", &pass.Listed{LeftList: true}, true, false},
		{"one that was not asked for", &pass.Listed{NotSelected: true}, false, false},
	} {
		p := passOf(desiredtest.Object("ConfigMap", "a"), c.listed)
		p.Record.Revision.Commit = "c1"
		l := sessionOver(p)
		m := l.holder[key]
		if (m != nil) != c.holds {
			t.Errorf("%s: held: %v", c.name, m != nil)
		}
		if m != nil {
			m.changed[key] = true
		}
		if got := l.MayReadOnlyChanged("c1"); got != c.narrow {
			t.Errorf("%s: narrow: %v", c.name, got)
		}
	}
}

func TestALoopDoesNotTrustASuspendedApp(t *testing.T) {
	p := passOf(desiredtest.Object("ConfigMap", "a"), &pass.Listed{NotSelected: true, Suspended: true})
	p.Report.Suspended = &report.Suspension{}
	if l := sessionOver(p); l.lastRunOK || l.allHealthy {
		t.Error("it would not notice that the app is resumed")
	}
}
