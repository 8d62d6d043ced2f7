package record

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// How the Secret of a list of apps is found: by its label and its type.
const (
	LabelList = "kubectl-gitops.dev/app-list" // on the Secret with the list of apps of a gitops.yaml
	ListType  = "kubectl-gitops.dev/app-list"
)

// AppList is what the gitops.yaml of a source said at the commit that was looked at last, and which of its apps are not
// at that commit. An app that it names and that is not Behind equals Revision, whatever commit its own record names:
// that is the last one which changed the app. The settings of the apps are in their own records.
type AppList struct {
	Source   report.Source   `json:"source"` // Path is the directory of gitops.yaml
	Revision report.Revision `json:"revision"`
	Apps     []string        `json:"apps"` // in the order of the file
	Behind   []Behind        `json:"behind,omitempty"`
	Problem  string          `json:"problem,omitempty"` // why gitops.yaml itself could not be used; then Apps are the last known ones
	Held     string          `json:"held,omitempty"`    // why a newer commit is held back
	Tool     string          `json:"tool"`
	Unproven bool            `json:"unproven,omitempty"` // no run with Source has succeeded yet

	Stored StoredList `json:"-"`
}

// StoredList is what the store knows of the Secret that holds a list. Nobody else needs to look at it.
type StoredList struct {
	Version, Written string // resourceVersion and content as loaded or saved
	Renamed          any    // managedFields with today's name of our manager, where they hold an earlier one
}

// Behind is an app whose objects are not all of the list's commit, or one that left the file and still has objects.
type Behind struct {
	App     string `json:"app"`
	At      string `json:"at,omitempty"` // the commit that its objects equalled last, "" when there is none
	Failed  bool   `json:"failed,omitempty"`
	Message string `json:"message,omitempty"`

	// Of an app whose render failed: when and for which settings, how often so far, when it is tried again, and the hint.
	Rendered *time.Time `json:"rendered,omitempty"`
	Config   string     `json:"config,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
	Tries    int        `json:"tries,omitempty"`
	Hint     string     `json:"hint,omitempty"`

	Slow *time.Time `json:"slow,omitempty"` // since when it waits for a render that takes longer than others wait for
}

// Names tells whether the list names app.
func (l *AppList) Names(app string) bool {
	for _, name := range l.Apps {
		if name == app {
			return true
		}
	}
	return false
}

// IsBehind returns what is known of an app that is not at the list's commit.
func (l *AppList) IsBehind(app string) (Behind, bool) {
	for _, b := range l.Behind {
		if b.App == app {
			return b, true
		}
	}
	return Behind{}, false
}

// as saving the list. Then the record alone knows what the app is at.
func (r *Record) After(l *AppList) bool { return r.Under != "" && r.Under == l.Stored.Version }

// ListName is the name of the Secret that holds the list of a repository and directory.
func ListName(from report.Source) string {
	sum := sha256.Sum256([]byte(from.Repo + "\n" + from.Path))
	return NamePrefix + "list-" + hex.EncodeToString(sum[:5])
}

// AppLists are the lists of apps of an instance, in no order.
type AppLists []*AppList

// Of returns the list of a repository and directory, nil when there is none. The ref does not matter: a list of another ref
// names another commit.
func (all AppLists) Of(from report.Source) *AppList {
	for _, l := range all {
		if l.Source.Repo == from.Repo && l.Source.Path == from.Path {
			return l
		}
	}
	return nil
}

// Naming returns the list that names an app, nil when none does.
func (all AppLists) Naming(app string) *AppList {
	for _, l := range all {
		if l.Names(app) {
			return l
		}
	}
	return nil
}
