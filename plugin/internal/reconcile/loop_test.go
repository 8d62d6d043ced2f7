package reconcile

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// loopOver is a loop whose last turn, over these apps, succeeded, and whose watches run.
func loopOver(passes ...*pass) *loop {
	l := &loop{commit: "c1", watched: map[watched]bool{{}: true}, sound: true}
	l.remember(&round{passes: passes}, nil)
	return l
}

func passOf(o *desired.Object, l *listed) *pass {
	rec := &record.Record{Inventory: record.NewInventory("app")}
	rec.Rows[o.Key()] = record.Row{Ref: o.Ref, UID: "1"}
	rec.Settled = true
	return &pass{Teller: &tell.Teller{Report: &report.App{}}, listed: l, known: known{rec: rec}}
}

func TestALoopConfinesItselfToDrift(t *testing.T) {
	key := desiredtest.Object("ConfigMap", "a").Key()
	for _, c := range []struct {
		name   string
		listed *listed
		holds  bool // the loop reacts to what happens to its objects
		narrow bool // and looks at nothing else then
	}{
		{"a single app", nil, true, true},
		{"one of a list", &listed{}, true, true},
		{"one that waits for another", &listed{way: way{waits: "waits until the app infra is healthy"}}, true, false},
		{"one that is about to hand something over", &listed{way: way{keeps: "it goes to the app b"}}, true, false},
		{"one that left the list and still has objects", &listed{retired: true}, true, false},
		{"one that was not asked for", &listed{aside: true}, false, false},
	} {
		p := passOf(desiredtest.Object("ConfigMap", "a"), c.listed)
		p.rec.Revision.Commit = "c1"
		l := loopOver(p)
		m := l.holder[key]
		if (m != nil) != c.holds {
			t.Errorf("%s: held: %v", c.name, m != nil)
		}
		if m != nil {
			m.dirty[key] = true
		}
		if got := l.mayNarrow("c1"); got != c.narrow {
			t.Errorf("%s: narrow: %v", c.name, got)
		}
	}
}

func TestALoopDoesNotTrustASuspendedApp(t *testing.T) {
	p := passOf(desiredtest.Object("ConfigMap", "a"), &listed{aside: true, suspended: true})
	p.Report.Suspended = &report.Suspension{}
	if l := loopOver(p); l.sound || l.calm {
		t.Error("it would not notice that the app is resumed")
	}
}
