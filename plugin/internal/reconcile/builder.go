package reconcile

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
	renderSlice    = 10 * time.Second // how long the other apps wait for one render
	shortSlice     = 3 * time.Second  // the same, after as many renders as run side by side did not fit
	leastForRender = 30 * time.Second // what a render may take whatever the timeout of the app
)

// builder finds out what one app renders to at a commit, or that it need not be rendered.
type builder struct {
	renders *renders
	client  *cluster.Client
	now     func() time.Time
	say     *tell.Teller
	dir     func(ctx context.Context, root *os.Root, path string, o render.Options) ([]manifest.Object, error) // nil stands for render.Dir
	open    func(ctx context.Context) (*source.Tree, error)                                                    // at the commit
	fetched func(source.Revision)                                                                              // is told the commit

	app     app.App
	vars    *variables // nil where the app takes none from the cluster
	config  string     // digest of the settings
	commit  string
	repo    string
	rec     *record.Record
	brought []string // API versions and kinds that apps before this one bring

	listed bool // the app is one of several
	loop   bool // others wait for the render, and one that failed is remembered
	dryRun bool
	ranOut *atomic.Int32 // renders of this run that did not fit into their slice, of several apps; may be nil
}

// renderCommit fetches and renders, and keeps the result for the next passes of a loop.
func (b *builder) renderCommit(ctx context.Context) (*rendering, error) {
	if b.isSlow(b.commit) {
		return nil, errSlow
	}
	tree, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	b.fetched(tree.Revision)
	if !b.listed {
		b.say.Say(report.Fetched, "%s", fetchedText(b.repo, revisionOf(tree.Revision), b.rec.Revision.Commit))
	}
	options, err := b.renderOptions(ctx, tree.Root)
	if err != nil {
		return nil, err
	}
	if r := b.carry(tree, options); r != nil {
		return r, nil
	}
	if len(b.rec.Rows) == 0 { // all kinds are new
		go b.client.Discover(ctx)
	}
	if b.isSlow("") {
		b.noteSlow()
		return nil, errSlow
	}
	r, err := b.renderTree(ctx, tree, options, b.slice())
	if err != nil {
		return nil, err
	}
	if !b.listed {
		b.say.Say(report.Rendered, "%s from %s", report.Plural(len(r.objects), "object"), b.app.Path)
	}
	return r, nil
}

// renderTree renders a checkout for at most slice, without such a bound when that is 0, and keeps the result: the objects, or why
// there are none.
func (b *builder) renderTree(ctx context.Context, tree *source.Tree, options render.Options, slice time.Duration) (*rendering, error) {
	dir := b.dir
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
	options.Limits.Time = b.renderTime()
	within, cancel := ctx, func() {}
	if slice > 0 {
		within, cancel = context.WithTimeout(ctx, slice)
	}
	defer cancel()
	started := b.now()
	objects, err := dir(within, tree.Root, b.app.Path, options)
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, err
	case within.Err() != nil && err != nil:
		if b.ranOut != nil {
			b.ranOut.Add(1)
		}
		b.noteSlow()
		return nil, errSlow
	}
	b.wasSlow(b.now().Sub(started))
	if err != nil {
		b.renders.noteFailure(b.app.Name, b.commit, b.config, tree.Revision, b.now(), err)
		return nil, err
	}
	r := &rendering{b.commit, b.config, objects, tree.Revision, nil, inputsOf(tree, paths, given), charts,
		inVain(asked, given.Capabilities.APIVersions, objects)}
	b.renders.keep(b.app.Name, r)
	return r, nil
}

// renderOptions adds what charts see of the server and of the past.
func (b *builder) renderOptions(ctx context.Context, root *os.Root) (render.Options, error) {
	o := RenderOptions(b.app)
	if v := b.vars; v != nil && b.app.Substitute != nil {
		o.Substitute = &render.Substitute{Vars: v.values, Secret: v.secret, Plain: v.plain}
	}
	if _, err := root.Lstat(path.Join(b.app.Path, "Chart.yaml")); err != nil {
		return o, nil
	}
	versions, err := b.versions(ctx)
	if err != nil {
		return o, err
	}
	o.Capabilities = render.Capabilities{KubeVersion: versions.Kubernetes, APIVersions: versions.Served}
	if len(b.brought) > 0 {
		all := slices.Concat(versions.Served, b.brought)
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
func (b *builder) upgrades() bool {
	inv := b.rec.Inventory
	return inv != nil && (b.rec.Rebuilt || inv.Revision.Commit != "" && inv.Installed != b.commit)
}

// checkChart refuses a chart that was published anew since it was applied. A Chart.lock that was written anew as well
// says that this is meant.
func (b *builder) checkChart(c record.Chart) error {
	i := slices.IndexFunc(b.rec.Charts, func(was record.Chart) bool {
		return was.Name == c.Name && was.Version == c.Version && was.Repository == c.Repository
	})
	if i < 0 || b.rec.Charts[i].Digest == c.Digest {
		return nil
	}
	text := fmt.Sprintf("it was published anew: %s was applied, and now it is %s", b.rec.Charts[i].Digest, c.Digest)
	if b.rec.Charts[i].Lock != c.Lock {
		b.say.Say(report.Warning, "chart %s %s from %s: %s", c.Name, c.Version, c.Repository, text)
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

// renderTime is what a render of the app may take: its timeout, within bounds.
func (b *builder) renderTime() time.Duration {
	if b.app.Timeout <= 0 {
		return render.DefaultTime
	}
	return min(max(b.app.Timeout, leastForRender), render.DefaultTime)
}

// isSliced tells whether other apps wait for the renders of the pass.
func (b *builder) isSliced() bool { return b.listed && b.loop && !b.dryRun }

// slice is how long the render of the pass may hold up others, 0 for as long as it takes.
func (b *builder) slice() time.Duration {
	switch {
	case !b.isSliced():
		return 0
	case b.ranOut != nil && b.ranOut.Load() >= rendersAtOnce:
		return shortSlice
	}
	return renderSlice
}

// isSlow tells whether the app waits for its render of a commit, or with "" whether its last render did not fit into a slice.
func (b *builder) isSlow(commit string) bool {
	m := b.renders
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.slow[b.app.Name]
	return b.isSliced() && s != nil && (commit == "" || s.commit == commit && s.config == b.config)
}

// noteSlow lets the app wait for its render.
func (b *builder) noteSlow() {
	m := b.renders
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &slowRender{commit: b.commit, config: b.config, since: b.now().UTC().Truncate(time.Second)}
	if last := m.slow[b.app.Name]; last != nil && !last.since.IsZero() {
		s.since = last.since // another commit, or process, does not cost it its place
	}
	m.slow[b.app.Name] = s
}

// wasSlow notes how long a render took that has ended. One that did not fit into a slice will not at the next commit.
func (b *builder) wasSlow(took time.Duration) {
	m := b.renders
	m.mu.Lock()
	defer m.mu.Unlock()
	if took < renderSlice {
		delete(m.slow, b.app.Name)
		return
	}
	m.slow[b.app.Name] = &slowRender{}
}

// remembered returns the error that a render of the pass would end with again, nil when it is to be tried. What a person starts
// always is.
func (b *builder) remembered() error {
	f := b.renders.failureOf(b.app.Name)
	if !b.loop || b.dryRun || !f.holds(b.commit, b.config, b.now()) {
		return nil
	}
	if f.revision.Commit != "" {
		b.fetched(f.revision)
	}
	return f.err
}

// carry takes the last rendering of the app over to the commit of the tree, nil unless a render would give the same.
func (b *builder) carry(tree *source.Tree, o render.Options) *rendering {
	last := b.renders.renderingOf(b.app.Name)
	if last == nil || last.inputs == nil || last.settings != b.config || digestOf(tree, last.inputs.Paths, o) != last.inputs.Digest {
		return nil
	}
	now := *last
	now.commit, now.revision = b.commit, tree.Revision
	b.renders.keep(b.app.Name, &now)
	return &now
}

// versions asks the server once for all charts of a commit.
func (b *builder) versions(ctx context.Context) (cluster.Versions, error) {
	m := b.renders
	m.mu.Lock()
	kept := m.server
	m.mu.Unlock()
	if kept.commit == b.commit {
		return kept.versions, nil
	}
	v, err := b.client.Versions(ctx)
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.server = server{b.commit, v}
	return v, nil
}

// server is what the API server is, as charts see it at one commit.
type server struct {
	commit   string
	versions cluster.Versions
}

// forgetServer makes the next question about the server a new one: it may serve other kinds by now.
func (b *builder) forgetServer() {
	b.client.Forget()
	m := b.renders
	m.mu.Lock()
	defer m.mu.Unlock()
	m.server, m.custom = server{}, nil
}

// appeared tells whether the server serves something by now that charts of the app asked about in vain. Each version of a
// group costs one request in the life of a process, or after this process has installed a kind. A server that does not answer
// has nothing new.
func (b *builder) appeared(ctx context.Context) bool {
	for _, name := range b.rec.Asked {
		parts := strings.Split(name, "/")
		kinds, err := b.servedAt(ctx, parts[0]+"/"+parts[1])
		if err == nil && len(kinds) > 0 && (len(parts) == 2 || slices.Contains(kinds, parts[2])) {
			b.forgetServer()
			b.renders.forgetRendering(b.app.Name)
			return true
		}
	}
	return false
}

func (b *builder) servedAt(ctx context.Context, version string) ([]string, error) {
	m := b.renders
	m.mu.Lock()
	defer m.mu.Unlock()
	if kinds, known := m.custom[version]; known {
		return kinds, nil
	}
	kinds, err := b.client.KindsAt(ctx, version)
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

// errSlow is the error of a render that goes on beside the passes.
var errSlow = errors.New("its render takes longer than " + renderSlice.String() + ", and goes on while the others are reconciled")

// build returns what the app renders to: from memory, where that is at the commit, or else from the checkout. errSlow means that
// the render goes on beside the passes.
func (b *builder) build(ctx context.Context) (*rendering, error) {
	r := b.renders.renderingOf(b.app.Name)
	if r != nil && r.commit == b.commit && r.settings == b.config {
		return r, nil
	}
	if err := b.remembered(); err != nil {
		return nil, err
	}
	return b.renderCommit(ctx)
}

// unchanged tells whether a render of the commit would give what was rendered from inputs.
func (b *builder) unchanged(ctx context.Context, inputs *record.Inputs) bool {
	tree, err := b.open(ctx)
	if err != nil {
		return false // rendering says why
	}
	defer tree.Close()
	options, err := b.renderOptions(ctx, tree.Root)
	if err != nil || digestOf(tree, inputs.Paths, options) != inputs.Digest {
		return false
	}
	b.fetched(tree.Revision)
	b.carry(tree, options)
	return true
}

// alone is a builder that shares nothing with b that passes change.
func (b *builder) alone() *builder {
	n := *b
	n.rec = &record.Record{Inventory: &record.Inventory{}}
	n.rec.Charts = slices.Clone(b.rec.Charts)
	n.say = &tell.Teller{Report: &report.App{Name: b.app.Name}, Emit: b.say.Emit, Listed: b.listed}
	n.fetched = func(source.Revision) {}
	return &n
}

// fetchedText words that a commit of a repository was fetched, which followed on another one.
func fetchedText(repo string, rev report.Revision, before string) string {
	was := ""
	if before != "" && before != rev.Commit {
		was = " (was " + report.Revision{Commit: before}.Short() + ")"
	}
	return fmt.Sprintf("%s %s%s  %q", repo, rev.Short(), was, rev.Subject)
}
