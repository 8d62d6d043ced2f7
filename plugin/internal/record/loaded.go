package record

import (
	"cmp"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Loaded is what one read of the records of an instance found. A command loads it once, and hands it on.
type Loaded struct {
	Apps  map[string]*Record // by name of the app
	Lists AppLists
}

// Record returns the record of an app, or a new one. known is false for a new one.
func (l *Loaded) Record(app string) (rec *Record, known bool) {
	if rec, known = l.Apps[app]; known {
		return rec, true
	}
	rec = New(app)
	rec.Stored.Lists = l.Lists
	return rec, false
}

// LastVerified returns the newest commit of a repository that was verified when it was applied, nil when there is none. repo is
// its address as records have it.
func (l *Loaded) LastVerified(repo string) *report.Revision {
	var verified []report.Revision
	for _, rec := range l.Apps {
		if rec.Inventory != nil && rec.Revision.Signer != "" && rec.Source.Repo == repo {
			verified = append(verified, rec.Revision)
		}
	}
	for _, list := range l.Lists {
		if list.Revision.Signer != "" && list.Source.Repo == repo {
			verified = append(verified, list.Revision)
		}
	}
	if len(verified) == 0 {
		return nil
	}
	last := slices.MaxFunc(verified, func(a, b report.Revision) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Commit, b.Commit)) })
	return &last
}
