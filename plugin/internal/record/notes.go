package record

import (
	"maps"
	"slices"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// What a run notes in the header, in the order of a run: where it reads from, what it is about to do, what it has done.
// Fields are read anywhere and changed here. Nothing is stored before the record is saved.

// Settings are what a run was told of an app, beside the source.
type Settings struct {
	Namespace    string // of objects that name none
	PlainSecrets bool   // Secrets with plain data are allowed
	List         string // directory of the gitops.yaml that lists the app, "" when none does
	Listed       []byte // everything that gitops.yaml says of it
}

// NoteSource notes the source of a run and the settings of the app. proven says that a run with this source has
// succeeded, or that a list of apps remembers the source: later runs without flags use a proven one.
func (h *Header) NoteSource(from report.Source, s Settings, proven bool) {
	h.Source, h.Unproven = from, !proven
	h.Target, h.PlainSecrets, h.List, h.Settings = s.Namespace, s.PlainSecrets, s.List, s.Listed
}

// NoteCluster notes in which cluster the record was made, by the uid of the namespace kube-system. A record that names a
// cluster keeps it.
func (h *Header) NoteCluster(uid string) {
	if h.Cluster == "" {
		h.Cluster = uid
	}
}

// NoteForeignFields notes what happens to fields of others: a value of foreignFields in gitops.yaml.
func (h *Header) NoteForeignFields(setting string) { h.ForeignFields = setting }

// NoteRevision notes a commit that the objects equal although no run applied it: it did not change the app, or a list of
// apps alone knew of it.
func (h *Header) NoteRevision(rev report.Revision) { h.Revision = rev }

// NoteRef notes by which ref the recorded commit was found last.
func (h *Header) NoteRef(ref string) { h.Revision.Ref = ref }

// BeginWrites notes that a run is about to write: until it completes, the rows are those of no commit.
func (h *Header) BeginWrites() { h.Inputs = nil }

// MarkPending notes that not everything of a commit is applied, or pruned.
func (h *Header) MarkPending() { h.Pending = true }

// Completion is what a run notes that applied all of a commit.
type Completion struct {
	Revision     report.Revision
	Config, Tool string        // digest of the settings, and version of this tool
	Health       []health.Rule // of the app
	Applied      time.Time     // when the run began, if it applied an object or came to another commit
	Deferred     bool          // objects of a kind that is not known yet are left to a later run
}

// Complete notes that a run applied all of a commit. After a record was rebuilt, another run compares it with Git before
// anything is pruned, so it stays pending.
func (r *Record) Complete(c Completion) {
	r.forgetForeign()
	if !c.Applied.IsZero() {
		r.LastApplied = c.Applied
	}
	if r.Revision.Commit == "" && !r.Rebuilt {
		r.Installed = c.Revision.Commit
	}
	r.Revision, r.Config, r.Tool, r.Health = c.Revision, c.Config, c.Tool, c.Health
	r.Pending = r.Rebuilt || c.Deferred
}

// Reverted notes that a run took back drift and did nothing else: of commits the record says what it said before the run.
func (h *Header) Reverted(pending bool, inputs *Inputs) { h.Pending, h.Inputs = pending, inputs }

// NoteInputs notes what the rows were rendered from: nil inputs when that is not known, the charts that were fetched, and
// what charts asked about in vain. It tells whether one of them is news.
func (h *Header) NoteInputs(in *Inputs, charts []Chart, asked []string) (news bool) {
	was := h.Inputs
	news = !slices.Equal(h.Charts, charts) || !slices.Equal(h.Asked, asked) ||
		(was == nil) != (in == nil) || was != nil && was.Digest != in.Digest
	if !slices.Equal(h.Charts, charts) {
		h.Charts = charts
	}
	if !slices.Equal(h.Asked, asked) {
		h.Asked = asked
	}
	h.Inputs = in
	return news
}

// HasRanges reports whether the definition of some chart or source names a range of versions.
func (h *Header) HasRanges() bool {
	return slices.ContainsFunc(h.Charts, func(c Chart) bool { return c.Constraint != "" }) ||
		slices.ContainsFunc(h.Trees, func(t Tree) bool { return !t.Branch && t.Version != t.Ref })
}

// Tree returns the row of a source, if there is one.
func (h *Header) Tree(url, ref string) (Tree, bool) {
	i := slices.IndexFunc(h.Trees, func(t Tree) bool { return t.URL == url && t.Ref == ref })
	if i < 0 {
		return Tree{}, false
	}
	return h.Trees[i], true
}

// NoteTrees notes the trees from elsewhere that the rows were rendered from. It tells whether that is news.
func (h *Header) NoteTrees(trees []Tree) (news bool) {
	if slices.Equal(h.Trees, trees) {
		return false
	}
	h.Trees = trees
	return true
}

// NoteHealth notes whether everything was healthy when the run ended.
func (h *Header) NoteHealth(settled bool) { h.AllHealthy = settled }

// NoteRun puts the report of a run, and the history with it, in place of the earlier ones.
func (r *Record) NoteRun(summary *report.Summary, history []report.Run) {
	r.Report, r.History = summary, history
}

// EndSuspension drops a suspension that is over. The next save takes it off the stored record.
func (r *Record) EndSuspension() { r.Suspended = nil }

// NoteForeign notes which fields of others people were told of, by the id of the object. An empty text forgets them.
func (h *Header) NoteForeign(id, text string) {
	if text == "" {
		delete(h.Foreign, id)
		return
	}
	if h.Foreign == nil {
		h.Foreign = map[string]string{}
	}
	h.Foreign[id] = text
}

// NoteGenerated notes where an object has values that its chart makes up anew in each render, by the id of the object.
func (h *Header) NoteGenerated(id string, pointers []string) {
	if len(pointers) == 0 {
		delete(h.Generated, id)
		return
	}
	if h.Generated == nil {
		h.Generated = map[string][]string{}
	}
	h.Generated[id] = pointers
}

// NoteDrift notes the ids of objects that have drifted and are left so, sorted. It reports whether the header changed, and whether
// an object is among them that was not noted before.
func (h *Header) NoteDrift(ids []string) (changed, more bool) {
	more = slices.ContainsFunc(ids, func(id string) bool { return !slices.Contains(h.Drift, id) })
	changed = !slices.Equal(h.Drift, ids)
	h.Drift = ids
	return changed, more
}

// forgetForeign drops what was told of objects that have no row any more, and the places of their generated values.
func (inv *Inventory) forgetForeign() {
	if len(inv.Foreign)+len(inv.Generated) == 0 {
		return
	}
	ours := make(map[string]bool, inv.Len())
	for _, row := range inv.All() {
		ours[row.ID()] = true
	}
	maps.DeleteFunc(inv.Foreign, func(id, _ string) bool { return !ours[id] })
	maps.DeleteFunc(inv.Generated, func(id string, _ []string) bool { return !ours[id] })
}
