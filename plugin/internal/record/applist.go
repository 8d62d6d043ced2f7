package record

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
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
//
// Fields are read anywhere and changed here. Nothing is stored before the list is saved.
type AppList struct {
	Source    report.Source   `json:"source"` // Path is the directory of gitops.yaml
	Revision  report.Revision `json:"revision"`
	Apps      []string        `json:"apps"` // in the order of the file
	Behind    []Behind        `json:"behind,omitempty"`
	Suspended []string        `json:"suspended,omitempty"` // the apps that gitops.yaml suspends
	Problem   string          `json:"problem,omitempty"`   // why gitops.yaml itself could not be used; then Apps are the last known ones
	Withheld  string          `json:"held,omitempty"`      // why a newer commit is withheld
	Tool      string          `json:"tool"`
	Unproven  bool            `json:"unproven,omitempty"` // no run with Source has succeeded yet

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

	// Of an app that waits until somebody names it, or until gitops.yaml does not suspend it any more: what gitops.yaml says of it.
	// Its record has the settings of the last apply, if it has a record at all.
	Settings []byte `json:"settings,omitempty"`
}

// Copy returns a list with the same content, which takes the place of l when it is saved. The copy of nil is an empty list.
func (l *AppList) Copy() *AppList {
	if l == nil {
		return &AppList{}
	}
	same := *l
	return &same
}

// NoteSource notes the source of a run, with Path as the directory of gitops.yaml. proven says that a run with this source has
// succeeded.
func (l *AppList) NoteSource(from report.Source, proven bool) { l.Source, l.Unproven = from, !proven }

// NoteRun notes the version of the tool, and why the source withheld a newer commit, "" when it did not.
func (l *AppList) NoteRun(tool, withheld string) { l.Tool, l.Withheld = tool, withheld }

// NoteProblem notes why gitops.yaml could not be used. The list keeps the commit and the apps that are known.
func (l *AppList) NoteProblem(why string) { l.Problem = why }

// NoteApps notes what gitops.yaml lists at a commit, in the order of the file, which apps are behind, and which it suspends.
func (l *AppList) NoteApps(rev report.Revision, apps []string, behind []Behind, suspended []string) {
	l.Revision, l.Apps, l.Behind, l.Suspended, l.Problem = rev, apps, behind, suspended, ""
}

// Suspends reports whether gitops.yaml suspends an app.
func (l *AppList) Suspends(app string) bool { return l != nil && slices.Contains(l.Suspended, app) }

// NewBehind returns the row of an app that is not at the commit of its list. at is the hash that its objects equalled last, ""
// when there is none. The row keeps the first line of message.
func NewBehind(app, at, message string, failed bool) Behind {
	message, _, _ = strings.Cut(message, "\n")
	return Behind{App: app, At: at, Message: message, Failed: failed}
}

// FailedRender says that a render failed, and until when it is not tried again.
type FailedRender struct {
	Config    string    // digest of the settings
	At, Until time.Time // when it failed, and when it may be tried again
	Tries     int       // failures in a row of the same commit with the same settings
	Hint      string    // "" when there is none
}

// NoteFailedRender notes that the render of the app failed, so that the next process does not try it again too early.
func (b *Behind) NoteFailedRender(f FailedRender) {
	b.Rendered, b.Until, b.Config, b.Tries, b.Hint = &f.At, &f.Until, f.Config, f.Tries, f.Hint
}

// FailedRender returns what NoteFailedRender noted of an app that failed. ok is false when its render did not fail.
func (b Behind) FailedRender() (f FailedRender, ok bool) {
	if !b.Failed || b.Rendered == nil || b.Until == nil {
		return f, false
	}
	return FailedRender{Config: b.Config, At: *b.Rendered, Until: *b.Until, Tries: b.Tries, Hint: b.Hint}, true
}

// NoteWaiting notes that the app waits for somebody, and what gitops.yaml says of it, as JSON. Until there is another commit, a
// run needs to know no more.
func (b *Behind) NoteWaiting(settings []byte) { b.Settings = settings }

// IsWaiting reports whether the app waits for somebody.
func (b Behind) IsWaiting() bool { return len(b.Settings) > 0 }

// NoteSlowRender notes since when the app waits for its render, which takes longer than other apps wait for.
func (b *Behind) NoteSlowRender(since time.Time) { b.Slow = &since }

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

// After tells whether the record was saved on top of this very state of the list: the run that saved it did not get as far
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

// Suspending returns the list whose gitops.yaml suspends an app, nil when there is none.
func (all AppLists) Suspending(app string) *AppList {
	for _, l := range all {
		if l.Suspends(app) {
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
