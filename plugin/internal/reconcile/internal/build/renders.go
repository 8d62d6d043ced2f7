package build

import (
	"errors"
	"sync"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// A render that failed fails again, as long as the commit and the settings are the same. A loop remembers that, and the list of
// apps tells it to the next process: the app fails with the same error at each pass, and is not rendered for that. The memory
// ends, since a render also depends on what is not remembered: the machine, chart servers, keys, and the kinds that are served.

// How long an app is left alone. What the same files cause waits longer than what may be over in a moment.
const (
	againLimit      = time.Hour       // a limit was exceeded: it takes minutes to find that out
	againFirst      = time.Minute     // the files are wrong; doubled with each failure, up to againLimit
	againSoon       = 5 * time.Second // the cause lies elsewhere; doubled as well, up to againSoonAtMost
	againSoonAtMost = 5 * time.Minute
)

// Renders is what a process remembers of the renders of its apps, and of what charts asked the server about. It may be used by
// several goroutines.
type Renders struct {
	mu       sync.Mutex
	rendered map[string]*Build     // last commit rendered, by app
	failed   map[string]*Failed    // last render that failed since, by app
	slow     map[string]*slowBuild // apps whose render does not fit into its slice
	server   server                // what charts see of it
	custom   map[string][]string   // kinds that the server serves, by version of their group, as far as charts asked in vain
}

func NewRenders() *Renders {
	return &Renders{rendered: map[string]*Build{}, failed: map[string]*Failed{}, slow: map[string]*slowBuild{}}
}

func (m *Renders) Of(app string) *Build {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rendered[app]
}

func (m *Renders) Keep(app string, r *Build) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rendered[app] = r
}

func (m *Renders) failureOf(app string) *Failed {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed[app]
}

// noteFailure remembers that a render failed.
func (m *Renders) noteFailure(app, commit, config string, rev source.Revision, now time.Time, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now = now.UTC().Truncate(time.Second)
	f := &Failed{Commit: commit, Config: config, revision: rev, Err: err, At: now, Tries: 1}
	if last := m.failed[app]; last != nil && last.Commit == commit && last.Config == config {
		f.Tries = last.Tries + 1
	}
	f.Until = now.Add(again(err, f.Tries))
	m.failed[app] = f
}

func (m *Renders) ForgetRendering(app string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rendered, app)
}

// ForgetCustom makes the next question about what charts asked for a new one.
func (m *Renders) ForgetCustom() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.custom = nil
}

// Build is the last commit that an app was rendered at, with what it was rendered for.
type Build struct {
	Commit, Settings string
	Objects          []manifest.Object
	Revision         source.Revision
	Desired          []*desired.Object // the objects, prepared
	Inputs           *record.Inputs    // nil where they are not known
	Charts           []record.Chart
	Asked            []string // what charts asked about in vain
}

// Failed is a render that failed, and when it is tried again.
type Failed struct {
	Commit, Config string
	revision       source.Revision // zero where only the list remembers
	Err            error
	At, Until      time.Time
	Tries          int
}

// holds tells whether the failure is that of a render of this commit with these settings now. A clock that went back proves nothing.
func (f *Failed) holds(commit, config string, now time.Time) bool {
	return f != nil && f.Commit == commit && f.Config == config && now.Before(f.Until) && !now.Before(f.At)
}

// again returns how long to wait before a render is tried again that failed for the n-th time, counted from 1.
func again(err error, n int) time.Duration {
	var problems manifest.Problems
	switch {
	case errors.Is(err, render.ErrLimit):
		return againLimit
	case errors.Is(err, manifest.ErrElsewhere) || !errors.As(err, &problems):
		return doubled(againSoon, n, againSoonAtMost)
	}
	return doubled(againFirst, n, againLimit)
}

func doubled(d time.Duration, n int, most time.Duration) time.Duration {
	for ; n > 1 && d < most; n-- {
		d *= 2
	}
	return min(d, most)
}

// slowBuild is an app that waits for its render.
type slowBuild struct {
	commit, config string    // of the render that it waits for; "" when there is none
	since          time.Time // when it began to wait
}

// Recall takes over what another process remembered of an app, where this one knows less: since when it waits for its render,
// and how its last one failed. Both may be nil.
func (m *Renders) Recall(app string, since *time.Time, failed *Failed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if since != nil && m.slow[app] == nil {
		m.slow[app] = &slowBuild{since: *since}
	}
	if failed != nil && m.failed[app] == nil {
		m.failed[app] = failed
	}
}

// SlowSince is when the app began to wait for its render, the zero time when it does not.
func (m *Renders) SlowSince(app string) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.slow[app]; s != nil {
		return s.since
	}
	return time.Time{}
}

// Describe adds to what the list says of an app how its render of a commit went: it failed, or goes on.
func (m *Renders) Describe(app, commit, config string, failed, slow bool, b *record.Behind) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.failed[app]; f != nil && failed && f.Commit == commit && f.Config == config {
		b.Rendered, b.Until, b.Config, b.Tries = &f.At, &f.Until, f.Config, f.Tries
		if hints := hint.Of(f.Err); len(hints) > 0 {
			b.Hint = hints[0]
		}
	}
	if s := m.slow[app]; s != nil && slow {
		b.Slow = &s.since
	}
}

// AtOnce is how many apps are rendered side by side: each takes a process and its memory.
const AtOnce = 2
