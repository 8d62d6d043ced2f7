package record

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func TestWhichListSuspendsAnApp(t *testing.T) {
	one, two := &AppList{}, &AppList{}
	one.NoteApps(report.Revision{}, []string{"web", "shop"}, nil, nil)
	two.NoteApps(report.Revision{}, []string{"other", "db"}, nil, []string{"db"})
	for app, want := range map[string]*AppList{"web": nil, "db": two, "gone": nil} {
		if got := (AppLists{one, two}).Suspending(app); got != want {
			t.Errorf("%s: %v", app, got)
		}
	}
	two.NoteApps(report.Revision{}, []string{"other", "db"}, nil, nil)
	if two.Suspends("db") || (*AppList)(nil).Suspends("db") {
		t.Error("suspended although gitops.yaml does not say so any more")
	}
}
