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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// In a loop, the apps of a gitops.yaml wait for each other's renders: what is done for one app depends on what the others hold.
// They do not wait for long. A render that does not end within its slice makes its app wait, like one whose dependency is not
// healthy, and the others go on. It is made beside the passes, with all the time that it may have: one at a time, and first
// the app that waits longest, so that none of them holds up another one for good. A pass takes up the result.

const (
	RenderSlice    = 10 * time.Second // how long the other apps wait for one render
	ShortSlice     = 3 * time.Second  // the same, after as many renders as run side by side did not fit
	leastForRender = 30 * time.Second // what a render may take whatever the timeout of the app
)

// Builder finds out what one app renders to at a commit, or that it need not be rendered.
type Builder struct {
	Renders *Renders
	Client  *cluster.Client
	Now     func() time.Time
	Say     *tell.Teller
	Dir     func(ctx context.Context, root *os.Root, path string, o render.Options) ([]manifest.Object, error) // nil stands for render.Dir
	Open    func(ctx context.Context) (*source.Tree, error)                                                    // at the commit
	Fetched func(source.Revision)                                                                              // is told the commit

	App     app.App
	Vars    *Variables // nil where the app takes none from the cluster
	Config  string     // digest of the settings
	Commit  string
	Repo    string
	Record  *record.Record
	Brought []string // API versions and kinds that apps before this one bring

	Listed bool // the app is one of several
	Loop   bool // others wait for the render, and one that failed is remembered
	DryRun bool
	RanOut *atomic.Int32 // renders of this run that did not fit into their slice, of several apps; may be nil
}

// renderCommit fetches and renders, and keeps the result for the next passes of a loop.
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
		b.Say.Say(report.Rendered, "%s from %s", report.Plural(len(r.Objects), "object"), b.App.Path)
	}
	return r, nil
}

// RenderTree renders a checkout for at most slice, without such a bound when that is 0, and keeps the result: the objects, or why
// there are none.
func (b *Builder) RenderTree(ctx context.Context, tree *source.Tree, options render.Options, slice time.Duration) (*Build, error) {
	dir := b.Dir
	if dir == nil {
		dir = render.Dir
	}
	given, paths, asked, charts := options, []string(nil), []string(nil), []record.Chart(nil)
	options.Asked = func(names []string) { asked = names }
	options.Inputs = func(read []string) { paths = read }
	options.Fetched = func(d render.Dependency) error {
		c := chartOf(d)
		charts = append(charts, c)
		return b.checkChart(c)
	}
	options.Limits.Time = b.RenderTime()
	within, cancel := ctx, func() {}
	if slice > 0 {
		within, cancel = context.WithTimeout(ctx, slice)
	}
	defer cancel()
	started := b.Now()
	objects, err := dir(within, tree.Root, b.App.Path, options)
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
	r := &Build{b.Commit, b.Config, objects, tree.Revision, nil, inputsOf(tree, paths, given), charts,
		inVain(asked, given.Capabilities.APIVersions, objects)}
	b.Renders.Keep(b.App.Name, r)
	return r, nil
}

// RenderOptions adds what charts see of the server and of the past.
func (b *Builder) RenderOptions(ctx context.Context, root *os.Root) (render.Options, error) {
	o := rendering.Options(b.App)
	if v := b.Vars; v != nil && b.App.Substitute != nil {
		o.Substitute = &render.Substitute{Vars: v.values, Secret: v.secret, Plain: v.plain}
	}
	if _, err := root.Lstat(path.Join(b.App.Path, "Chart.yaml")); err != nil {
		return o, nil
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

// upgrades tells whether the commit is not the first one of the app. The first one stays an install however often it
// is rendered, so that nothing changes without a commit.
func (b *Builder) upgrades() bool {
	inv := b.Record.Inventory
	return inv != nil && (b.Record.Rebuilt || inv.Revision.Commit != "" && inv.Installed != b.Commit)
}

// checkChart refuses a chart that was published anew since it was applied. A Chart.lock that was written anew as well
// says that this is meant.
func (b *Builder) checkChart(c record.Chart) error {
	i := slices.IndexFunc(b.Record.Charts, func(was record.Chart) bool {
		return was.Name == c.Name && was.Version == c.Version && was.Repository == c.Repository
	})
	if i < 0 || b.Record.Charts[i].Digest == c.Digest {
		return nil
	}
	text := fmt.Sprintf("it was published anew: %s was applied, and now it is %s", b.Record.Charts[i].Digest, c.Digest)
	if b.Record.Charts[i].Lock != c.Lock {
		b.Say.Say(report.Warning, "chart %s %s from %s: %s", c.Name, c.Version, c.Repository, text)
		return nil
	}
	return hint.Errorf(text, "find out why; to accept it, commit the Chart.lock that `helm dependency update` writes, or another version; to keep the one before, commit its archive to charts/")
}

// chartOf is what the record keeps of a chart that was fetched.
func chartOf(d render.Dependency) record.Chart {
	c := record.Chart{Name: d.Name, Version: d.Version, Digest: d.Digest, Lock: d.Lock}
	if at, err := url.Parse(d.Repository); err == nil {
		c.Repository = (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path}).String()
	}
	return c
}

// RenderTime is what a render of the app may take: its timeout, within bounds.
func (b *Builder) RenderTime() time.Duration {
	if b.App.Timeout <= 0 {
		return render.DefaultTime
	}
	return min(max(b.App.Timeout, leastForRender), render.DefaultTime)
}

// isSliced tells whether other apps wait for the renders of the pass.
func (b *Builder) isSliced() bool { return b.Listed && b.Loop && !b.DryRun }

// slice is how long the render of the pass may hold up others, 0 for as long as it takes.
func (b *Builder) slice() time.Duration {
	switch {
	case !b.isSliced():
		return 0
	case b.RanOut != nil && b.RanOut.Load() >= AtOnce:
		return ShortSlice
	}
	return RenderSlice
}

// isSlow tells whether the app waits for its render of a commit, or with "" whether its last render did not fit into a slice.
func (b *Builder) isSlow(commit string) bool {
	m := b.Renders
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.slow[b.App.Name]
	return b.isSliced() && s != nil && (commit == "" || s.commit == commit && s.config == b.Config)
}

// noteSlow lets the app wait for its render.
func (b *Builder) noteSlow() {
	m := b.Renders
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &slowBuild{commit: b.Commit, config: b.Config, since: b.Now().UTC().Truncate(time.Second)}
	if last := m.slow[b.App.Name]; last != nil && !last.since.IsZero() {
		s.since = last.since // another commit, or process, does not cost it its place
	}
	m.slow[b.App.Name] = s
}

// wasSlow notes how long a render took that has ended. One that did not fit into a slice will not at the next commit.
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

// Remembered returns the error that a render of the pass would end with again, nil when it is to be tried. What a person starts
// always is.
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

// carry takes the last rendering of the app over to the commit of the tree, nil unless a render would give the same.
func (b *Builder) carry(tree *source.Tree, o render.Options) *Build {
	last := b.Renders.Of(b.App.Name)
	if last == nil || last.Inputs == nil || last.Settings != b.Config || digestOf(tree, last.Inputs.Paths, o) != last.Inputs.Digest {
		return nil
	}
	now := *last
	now.Commit, now.Revision = b.Commit, tree.Revision
	b.Renders.Keep(b.App.Name, &now)
	return &now
}

// versions asks the server once for all charts of a commit.
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

// server is what the API server is, as charts see it at one commit.
type server struct {
	commit   string
	versions cluster.Versions
}

// ForgetServer makes the next question about the server a new one: it may serve other kinds by now.
func (b *Builder) ForgetServer() {
	b.Client.Forget()
	m := b.Renders
	m.mu.Lock()
	defer m.mu.Unlock()
	m.server, m.custom = server{}, nil
}

// Appeared tells whether the server serves something by now that charts of the app asked about in vain. Each version of a
// group costs one request in the life of a process, or after this process has installed a kind. A server that does not answer
// has nothing new.
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

// inVain lists what a chart asked about and neither the server nor the chart itself has.
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

// ErrSlow is the error of a render that goes on beside the passes.
var ErrSlow = errors.New("its render takes longer than " + RenderSlice.String() + ", and goes on while the others are reconciled")

// Build returns what the app renders to: from memory, where that is at the commit, or else from the checkout. errSlow means that
// the render goes on beside the passes.
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

// Unchanged tells whether a render of the commit would give what was rendered from inputs.
func (b *Builder) Unchanged(ctx context.Context, inputs *record.Inputs) bool {
	tree, err := b.Open(ctx)
	if err != nil {
		return false // rendering says why
	}
	defer tree.Close()
	options, err := b.RenderOptions(ctx, tree.Root)
	if err != nil || digestOf(tree, inputs.Paths, options) != inputs.Digest {
		return false
	}
	b.Fetched(tree.Revision)
	b.carry(tree, options)
	return true
}

// Alone is a builder that shares nothing with b that passes change.
func (b *Builder) Alone() *Builder {
	n := *b
	n.Record = &record.Record{Inventory: &record.Inventory{Header: record.Header{Charts: slices.Clone(b.Record.Charts)}}}
	n.Say = &tell.Teller{Report: &report.App{Name: b.App.Name}, Emit: b.Say.Emit, Listed: b.Listed}
	n.Fetched = func(source.Revision) {}
	return &n
}

// FetchedText words that a commit of a repository was fetched, which followed on another one.
func FetchedText(repo string, rev report.Revision, before string) string {
	was := ""
	if before != "" && before != rev.Commit {
		was = " (was " + report.Revision{Commit: before}.Short() + ")"
	}
	return fmt.Sprintf("%s %s%s  %q", repo, rev.Short(), was, rev.Subject)
}

func RevisionOf(rev source.Revision) report.Revision {
	return report.Revision{Commit: rev.Commit, Ref: rev.Ref, Author: rev.Author, Subject: rev.Subject, Signer: rev.Signer, Time: rev.Time}
}
