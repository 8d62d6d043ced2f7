package build

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// In a loop, the apps of a gitops.yaml wait for each other's renders, since the plan of one app depends on what the others
// hold. They do not wait for long. An app whose render takes longer than its slice waits, like an app whose dependency is not
// healthy, and the others go on. The loop then renders the app beside its runs, with all the time that a render may have: one
// app at a time, and first the app that waits longest. A later run uses the result.

// Bounds on the time of renders.
const (
	RenderSlice    = 10 * time.Second // how long the other apps of a loop wait for one render
	ShortSlice     = 3 * time.Second  // the same, once AtOnce renders of the run took longer than their slice
	leastForRender = 30 * time.Second // what a render may take even if the timeout of the app is shorter
)

// Builder renders one app at one commit. It is made for one app in one run; the results of renders are kept in Renders.
type Builder struct {
	Renders *Renders         // results of earlier renders of this process
	Client  *cluster.Client  // asks the API server what charts ask about it
	Now     func() time.Time // the clock
	Say     *tell.Teller     // receives events and warnings
	// Dir renders a directory of the checkout; nil stands for render.Dir.
	Dir func(ctx context.Context, root *os.Root, path string, o render.Options) ([]manifest.Object, error)
	// Open opens the checkout of Commit.
	Open func(ctx context.Context) (*source.Tree, error)
	// Fetched receives the commit with its message, once it is known.
	Fetched func(source.Revision)

	// App is what is rendered.
	App     app.App
	Vars    *Variables     // nil when the app takes none from the cluster
	Config  string         // digest of the settings of the app
	Commit  string         // hash of the commit to render
	Repo    string         // names the repository in events
	Record  *record.Record // of the app; it is only read
	Brought []string       // API versions and kinds that the dependencies of the app define in this commit

	Followed []pins.Entry // what the branches of its sources point at now

	Upgrade bool // ranges of versions are resolved anew
	Listed  bool // a gitops.yaml lists the app
	Loop    bool // other apps wait for the render, and a failed render is remembered
	DryRun  bool // switches the effects of Loop off
	// RanOut counts the renders of this run, over all apps, that took longer than their slice; may be nil.
	RanOut *atomic.Int32
}

// renderCommit opens the checkout, renders it, and keeps the result for later runs of a loop.
func (b *Builder) renderCommit(ctx context.Context) (*Build, error) {
	if b.isSlow(b.Commit) {
		return nil, ErrSlow
	}
	tree, err := b.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	b.Fetched(tree.Revision)
	if !b.Listed {
		b.Say.Say(report.Fetched, "%s", FetchedText(b.Repo, RevisionOf(tree.Revision), b.Record.Revision.Commit))
	}
	options, err := b.RenderOptions(ctx, tree.Root)
	if err != nil {
		return nil, err
	}
	if r := b.carry(tree, options); r != nil {
		return r, nil
	}
	if b.Record.Len() == 0 { // all kinds are new
		go b.Client.Discover(ctx)
	}
	if b.isSlow("") {
		b.noteSlow()
		return nil, ErrSlow
	}
	r, err := b.RenderTree(ctx, tree, options, b.slice())
	if err != nil {
		return nil, err
	}
	if !b.Listed {
		b.Say.Say(report.Rendered, "%s from %s", report.Plural(len(r.Objects), "object"), b.App.Place())
	}
	return r, nil
}

// RenderTree renders a checkout and keeps the result in Renders: the objects, or the failure. It returns ErrSlow when the
// render takes longer than slice; 0 is no slice. RenderTime bounds it in any case. Other errors are those of the renderer,
// such as manifest.Problems.
func (b *Builder) RenderTree(ctx context.Context, tree *source.Tree, options render.Options, slice time.Duration) (*Build, error) {
	dir := b.Dir
	if dir == nil {
		dir = render.Dir
	}
	given, paths, asked, charts, trees := options, []string(nil), []string(nil), []record.Chart(nil), []record.Tree(nil)
	options.Asked = func(names []string) { asked = names }
	options.Inputs = func(read []string) { paths = read }
	options.Fetched = func(d render.Dependency) error {
		c := chartOf(d)
		if b.Upgrade && d.Locked && c.Constraint != "" {
			b.Say.Say(report.Warning, "chart %s %s stays at %s, as gitops.lock.yaml says: run `kubectl gitops lock --upgrade %s`", c.Name, c.Constraint, c.Version, b.App.Name)
		}
		charts = append(charts, c)
		return b.checkChart(c, d.Locked)
	}
	options.SourceFetched = func(s render.FetchedSource) error {
		trees = append(trees, b.treeOf(s))
		return nil
	}
	options.Limits.Time, options.Lacking = b.RenderTime(), tree.Lacking
	options = b.withLines(ctx, tree, options)
	within, cancel := ctx, func() {}
	if slice > 0 {
		within, cancel = context.WithTimeout(ctx, slice)
	}
	defer cancel()
	started := b.Now()
	var objects []manifest.Object
	err := tree.Fetch(within, b.reads()...)
	if err == nil {
		objects, err = dir(within, tree.Root, b.App.Path, options)
	}
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, err
	case within.Err() != nil && err != nil:
		if b.RanOut != nil {
			b.RanOut.Add(1)
		}
		b.noteSlow()
		return nil, ErrSlow
	}
	b.wasSlow(b.Now().Sub(started))
	if err != nil {
		b.Renders.noteFailure(b.App.Name, b.Commit, b.Config, tree.Revision, b.Now(), err)
		return nil, err
	}
	given.Pins = append(pinsOf(charts, nil), pinsOfTrees(trees, nil, nil)...)
	r := &Build{b.Commit, b.Config, objects, tree.Revision, nil, inputsOf(tree, paths, plainOf(b.App, given, trees)), charts, trees,
		inVain(asked, given.Capabilities.APIVersions, objects)}
	b.Renders.Keep(b.App.Name, r)
	return r, nil
}

// reads returns paths that a render is going to read: the directory of the app, and what the last render has read.
func (b *Builder) reads() []string {
	paths := b.App.Directories()
	if k := b.App.Kustomize; k != nil {
		paths = append(paths, k.Components...)
		for _, p := range k.Patches {
			if p.Path != "" {
				paths = append(paths, p.Path)
			}
		}
	}
	if b.Record != nil && b.Record.Inventory != nil && b.Record.Inputs != nil {
		paths = append(paths, b.Record.Inputs.Paths...)
	}
	return paths
}

// Reads returns the paths of a checkout that Build is going to read; none when it is not going to render.
func (b *Builder) Reads(ctx context.Context, tree *source.Tree) []string {
	last := b.Renders.Of(b.App.Name)
	if last != nil && last.Commit == b.Commit && last.Settings == b.Config || b.Remembered() != nil || b.isSlow("") {
		return nil
	}
	options, err := b.RenderOptions(ctx, tree.Root)
	if err != nil || last != nil && last.Inputs != nil && last.Settings == b.Config && digestOf(tree, last.Inputs.Paths, options) == last.Inputs.Digest {
		return nil
	}
	return b.reads()
}

// RenderOptions returns the settings of the app as options of package render, with its variables. For a chart it adds what
// templates may ask: versions of the API server, which cost requests once per commit, and whether this is an upgrade.
func (b *Builder) RenderOptions(ctx context.Context, root *os.Root) (render.Options, error) {
	o := rendering.Options(b.App)
	if b.App.Helm.Generated {
		o.Helm.Generated = render.GeneratedKeep
	}
	for _, p := range o.Parts {
		if p.Helm.Generated != "" {
			p.Helm.Generated = render.GeneratedKeep
		}
	}
	if v, s := b.Vars, o.Substitute; v != nil && s != nil {
		s.Vars, s.Secret, s.Plain, s.Unread = v.values, v.secret, v.plain, false
	}
	if b.Vars != nil {
		o.Values = b.Vars.given
	}
	var charts []record.Chart
	var trees []record.Tree
	if b.Record.Inventory != nil { // else nothing was applied
		charts, trees = b.Record.Charts, b.Record.Trees
	}
	var err error
	if o.Pins, err = givenPins(root, charts, trees, b.Followed, b.Upgrade); err != nil {
		return o, err
	}
	if b.App.Chart == nil && len(b.App.Sources) == 0 && b.App.Source == nil {
		if _, err := root.Lstat(path.Join(b.App.Path, "Chart.yaml")); err != nil {
			return o, nil
		}
	}
	versions, err := b.versions(ctx)
	if err != nil {
		return o, err
	}
	o.Capabilities = render.Capabilities{KubeVersion: versions.Kubernetes, APIVersions: versions.Served}
	if len(b.Brought) > 0 {
		all := slices.Concat(versions.Served, b.Brought)
		slices.Sort(all)
		o.Capabilities.APIVersions = slices.Compact(all)
	}
	o.Helm.Upgrade = b.upgrades()
	if o.Helm.Revision = 1; o.Helm.Upgrade {
		o.Helm.Revision = 2 // a number that counts would change the objects with every commit
	}
	return o, nil
}

// upgrades reports whether the commit is not the first one of the app. The first commit stays an install however often it is
// rendered, so that nothing changes without a commit.
func (b *Builder) upgrades() bool {
	inv := b.Record.Inventory
	return inv != nil && (b.Record.Rebuilt || inv.Revision.Commit != "" && inv.Installed != b.Commit)
}

// checkChart refuses a chart whose archive has changed since it was applied, although its version has not. If Chart.lock has
// changed too, or gitops.lock.yaml has the new digest, the change is meant, and checkChart only warns.
func (b *Builder) checkChart(c record.Chart, locked bool) error {
	i := slices.IndexFunc(b.Record.Charts, func(was record.Chart) bool {
		return was.Name == c.Name && was.Version == c.Version && was.Repository == c.Repository
	})
	if i < 0 || b.Record.Charts[i].Digest == c.Digest {
		return nil
	}
	text := fmt.Sprintf("it was published anew: %s was applied, and now it is %s", b.Record.Charts[i].Digest, c.Digest)
	if b.Record.Charts[i].Lock != c.Lock || locked {
		b.Say.Say(report.Warning, "chart %s %s from %s: %s", c.Name, c.Version, c.Repository, text)
		return nil
	}
	if c.Lock == "" {
		return hint.Errorf(text, "find out why; to accept it, run `kubectl gitops lock --upgrade --all %s` and commit gitops.lock.yaml, or name another version", b.App.Name)
	}
	return hint.Errorf(text, "find out why; to accept it, commit the Chart.lock that `helm dependency update` writes, or another version; to keep the one before, commit its archive to charts/")
}

// chartOf returns the row of the record for a chart that was fetched. The address of its repository is kept without
// credentials and query.
func chartOf(d render.Dependency) record.Chart {
	c := record.Chart{Name: d.Name, Version: d.Version, Digest: d.Digest, Lock: d.Lock}
	if at, err := url.Parse(d.Repository); err == nil {
		c.Repository = (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path}).String()
	}
	if d.Constraint != d.Version {
		c.Constraint = d.Constraint
	}
	return c
}

// treeOf returns the row of the record for a source that was fetched. Nobody asks whether the ref is a branch when the version is known: it is what
// it was.
func (b *Builder) treeOf(s render.FetchedSource) record.Tree {
	t := record.Tree{URL: s.URL(), Ref: s.Ref, Version: s.Version, Digest: s.Digest, Branch: s.Branch, Locked: s.Locked, Chart: s.Chart}
	if e, followed := pins.Lock(b.Followed).Find(t.URL, "", t.Ref); followed {
		t.Branch = !s.Locked && IsBranch(e)
	} else if was, known := b.Record.Tree(t.URL, t.Ref); known && !s.Asked {
		t.Branch = was.Branch
	}
	return t
}

// RenderTime returns how long a render of the app may take: the timeout of the app, but not less than 30 seconds and not
// more than render.DefaultTime.
func (b *Builder) RenderTime() time.Duration {
	if b.App.Timeout <= 0 {
		return render.DefaultTime
	}
	return min(max(b.App.Timeout, leastForRender), render.DefaultTime)
}

// isSliced reports whether other apps wait for the renders of this one.
func (b *Builder) isSliced() bool { return b.Listed && b.Loop && !b.DryRun }

// slice returns how long the render may delay other apps, 0 for no bound.
func (b *Builder) slice() time.Duration {
	switch {
	case !b.isSliced():
		return 0
	case b.RanOut != nil && b.RanOut.Load() >= AtOnce:
		return ShortSlice
	}
	return RenderSlice
}

// isSlow reports whether the app waits for its render of a commit or, with "", whether its last render took longer than its
// slice.
func (b *Builder) isSlow(commit string) bool {
	m := b.Renders
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.slow[b.App.Name]
	return b.isSliced() && s != nil && (commit == "" || s.commit == commit && s.config == b.Config)
}

// noteSlow notes that the app waits for its render.
func (b *Builder) noteSlow() {
	m := b.Renders
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &slowBuild{commit: b.Commit, config: b.Config, since: b.Now().UTC().Truncate(time.Second)}
	if last := m.slow[b.App.Name]; last != nil && !last.since.IsZero() {
		s.since = last.since // it keeps its place when the commit or the process changes
	}
	m.slow[b.App.Name] = s
}

// wasSlow notes how long a finished render took. One that took longer than a slice is expected to do so at the next commit.
func (b *Builder) wasSlow(took time.Duration) {
	m := b.Renders
	m.mu.Lock()
	defer m.mu.Unlock()
	if took < RenderSlice {
		delete(m.slow, b.App.Name)
		return
	}
	m.slow[b.App.Name] = &slowBuild{}
}

// Remembered returns the error with which the same render failed a moment ago, nil when the app is to be rendered. Only
// loops remember: a run that a person starts always renders.
func (b *Builder) Remembered() error {
	f := b.Renders.failureOf(b.App.Name)
	if !b.Loop || b.DryRun || !f.holds(b.Commit, b.Config, b.Now()) {
		return nil
	}
	if f.revision.Commit != "" {
		b.Fetched(f.revision)
	}
	return f.Err
}

// carry returns the last rendering of the app as that of the commit of the tree. It returns nil unless a render would give
// the same.
func (b *Builder) carry(tree *source.Tree, o render.Options) *Build {
	last := b.Renders.Of(b.App.Name)
	if last == nil || last.Inputs == nil || last.Settings != b.Config || digestOf(tree, last.Inputs.Paths, plainOf(b.App, o, last.Trees)) != last.Inputs.Digest {
		return nil
	}
	now := *last
	now.Commit, now.Revision = b.Commit, tree.Revision
	b.Renders.Keep(b.App.Name, &now)
	return &now
}

// versions asks the API server for its versions, once for all charts of a commit.
func (b *Builder) versions(ctx context.Context) (cluster.Versions, error) {
	m := b.Renders
	m.mu.Lock()
	kept := m.server
	m.mu.Unlock()
	if kept.commit == b.Commit {
		return kept.versions, nil
	}
	v, err := b.Client.Versions(ctx)
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.server = server{b.Commit, v}
	return v, nil
}

// server is what charts may ask about the API server, as of one commit.
type server struct {
	commit   string
	versions cluster.Versions
}

// ForgetServer drops what is known of the API server, so that the next question is asked anew: it may serve other kinds by
// now.
func (b *Builder) ForgetServer() {
	b.Client.Forget()
	m := b.Renders
	m.mu.Lock()
	defer m.mu.Unlock()
	m.server, m.custom = server{}, nil
}

// Appeared reports whether the API server now serves something that charts of the app asked about in vain. If so, it drops
// the rendering of the app and what is known of the server. Each group version costs one request in the life of a process,
// and again after this process has installed a CRD. Errors count as nothing new.
func (b *Builder) Appeared(ctx context.Context) bool {
	for _, name := range b.Record.Asked {
		parts := strings.Split(name, "/")
		kinds, err := b.servedAt(ctx, parts[0]+"/"+parts[1])
		if err == nil && len(kinds) > 0 && (len(parts) == 2 || slices.Contains(kinds, parts[2])) {
			b.ForgetServer()
			b.Renders.ForgetRendering(b.App.Name)
			return true
		}
	}
	return false
}

// servedAt returns the kinds that the API server serves at a group version.
func (b *Builder) servedAt(ctx context.Context, version string) ([]string, error) {
	m := b.Renders
	m.mu.Lock()
	defer m.mu.Unlock()
	if kinds, known := m.custom[version]; known {
		return kinds, nil
	}
	kinds, err := b.Client.KindsAt(ctx, version)
	if err != nil {
		return nil, err
	}
	if m.custom == nil {
		m.custom = map[string][]string{}
	}
	m.custom[version] = kinds
	return kinds, nil
}

// inVain returns what a chart asked about that neither the API server serves nor the chart itself defines.
func inVain(asked, served []string, objects []manifest.Object) []string {
	if len(asked) == 0 {
		return nil
	}
	own := manifest.DefinedVersions(objects)
	return slices.DeleteFunc(slices.Clone(asked), func(name string) bool {
		_, found := slices.BinarySearch(served, name)
		return found || slices.Contains(own, name)
	})
}

// ErrSlow says that a render takes longer than its slice. The app waits, a loop goes on rendering beside its runs, and a
// later run uses the result.
var ErrSlow = errors.New("its render takes longer than " + RenderSlice.String() + ", and continues while the other apps are reconciled")

// Build returns what the app renders to at the commit: the kept result when there is one for the commit and the settings,
// otherwise a new render. It returns ErrSlow, the remembered error of the last render, or the errors of RenderTree.
func (b *Builder) Build(ctx context.Context) (*Build, error) {
	r := b.Renders.Of(b.App.Name)
	if r != nil && r.Commit == b.Commit && r.Settings == b.Config {
		return r, nil
	}
	if err := b.Remembered(); err != nil {
		return nil, err
	}
	return b.renderCommit(ctx)
}

// Unchanged reports whether a render of the commit would give what was rendered from inputs. It reads the checkout and
// renders nothing. It is false when that cannot be known.
func (b *Builder) Unchanged(ctx context.Context, inputs *record.Inputs) bool {
	tree, err := b.Open(ctx)
	if err != nil {
		return false // rendering says why
	}
	defer tree.Close()
	options, err := b.RenderOptions(ctx, tree.Root)
	if err != nil || digestOf(tree, inputs.Paths, plainOf(b.App, options, b.Record.Trees)) != inputs.Digest {
		return false
	}
	b.Fetched(tree.Revision)
	b.carry(tree, options)
	return true
}

// Alone returns a copy of b that a goroutine may use while a run goes on: it shares only Renders, Client and what no run
// changes. It reports nothing but events.
func (b *Builder) Alone() *Builder {
	n := *b
	n.Record = &record.Record{Inventory: &record.Inventory{Header: record.Header{List: b.Record.List, Charts: slices.Clone(b.Record.Charts), Trees: slices.Clone(b.Record.Trees)}}}
	n.Say = &tell.Teller{Report: &report.App{Name: b.App.Name}, Emit: b.Say.Emit, Listed: b.Listed}
	n.Fetched = func(source.Revision) {}
	return &n
}

// FetchedText returns the text of the event that a commit was fetched: repository, new commit, the commit before when it is
// another one, and the subject.
func FetchedText(repo string, rev report.Revision, before string) string {
	was := ""
	if before != "" && before != rev.Commit {
		was = " (was " + report.Revision{Commit: before}.Short() + ")"
	}
	return fmt.Sprintf("%s %s%s  %q", repo, rev.Short(), was, rev.Subject)
}

// RevisionOf returns the part of a revision that reports and records keep.
func RevisionOf(rev source.Revision) report.Revision {
	return report.Revision{Commit: rev.Commit, Ref: rev.Ref, Author: rev.Author, Subject: rev.Subject, Signer: rev.Signer, Time: rev.Time}
}
