package build

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// A render that failed fails again while the commit and the settings are the same. A loop remembers the failure, and the list
// of apps passes it on to the next process: each run reports the same error for the app, and does not render it. The failure is
// remembered for a limited time, since a render also depends on other things: the machine, chart servers, keys, and the kinds
// that the API server serves.

// How long the same render is not tried again after it failed. A cause in the files waits longer than a cause that may be
// over in a moment.
const (
	againLimit      = time.Hour       // a limit was exceeded: it takes minutes to find that out
	againFirst      = time.Minute     // the files are wrong; doubled with each failure, up to againLimit
	againSoon       = 5 * time.Second // the cause lies elsewhere; doubled as well, up to againSoonAtMost
	againSoonAtMost = 5 * time.Minute
)

// Renders keeps, for one process, the results of renders by app, and the answers of the API server to charts. NewRenders
// makes one. Several goroutines may use it.
type Renders struct {
	// Apps reads the gitops.yaml in a directory of a checkout, for the lines of settings that a record does not hold; it may be nil.
	Apps func(root *os.Root, dir string) (apps []app.App, found bool, err error)

	mu       sync.Mutex
	rendered map[string]*Build     // last commit rendered, by app
	failed   map[string]*Failed    // last failed render since, by app
	slow     map[string]*slowBuild // apps whose render takes longer than its slice
	server   server                // what charts may ask about the API server
	custom   map[string][]string   // kinds that the server serves, by version of their group, as far as charts asked in vain
}

// NewRenders returns an empty Renders.
func NewRenders() *Renders {
	return &Renders{rendered: map[string]*Build{}, failed: map[string]*Failed{}, slow: map[string]*slowBuild{}}
}

// Of returns the last rendering of an app, nil when there is none. It may be of another commit.
func (r *Renders) Of(app string) *Build {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rendered[app]
}

// Keep sets the last rendering of an app.
func (r *Renders) Keep(app string, b *Build) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rendered[app] = b
}

func (r *Renders) failureOf(app string) *Failed {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed[app]
}

// noteFailure remembers that a render failed, and until when it is not tried again.
func (r *Renders) noteFailure(app, commit, config string, rev source.Revision, now time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now = now.UTC().Truncate(time.Second)
	f := &Failed{Commit: commit, Config: config, revision: rev, Err: err, At: now, Tries: 1}
	if last := r.failed[app]; last != nil && last.Commit == commit && last.Config == config {
		f.Tries = last.Tries + 1
	}
	f.Until = now.Add(again(err, f.Tries))
	r.failed[app] = f
}

// ForgetRendering drops the last rendering of an app, so that it is rendered again.
func (r *Renders) ForgetRendering(app string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.rendered, app)
}

// ForgetCustom drops the answers about kinds that charts asked for in vain. It is called when a CRD was installed.
func (r *Renders) ForgetCustom() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.custom = nil
}

// Build is the result of a render, with what it depended on.
type Build struct {
	// hash of the commit, and digest of the settings
	Commit, Settings string
	Objects          []manifest.Object // as rendered
	Revision         source.Revision   // the commit, with its message
	Desired          []*desired.Object // Objects as package desired prepared them; nil until then
	Inputs           *record.Inputs    // what was read; nil where that is not known
	Charts           []record.Chart    // that were fetched
	Trees            []record.Tree     // of sources
	Asked            []string          // what charts asked about in vain, as "group/version" or "group/version/Kind"
}

// Failed is a render that failed, and until when it is not tried again.
type Failed struct {
	// hash of the commit, and digest of the settings
	Commit, Config string
	revision       source.Revision // zero when another process rendered
	Err            error           // why it failed, with hints
	// when it failed, and when it may be tried again
	At, Until time.Time
	Tries     int // failures in a row of this commit with these settings
}

// holds reports whether a render of this commit with these settings would fail again, as of now. It is false when the clock
// went back.
func (f *Failed) holds(commit, config string, now time.Time) bool {
	return f != nil && f.Commit == commit && f.Config == config && now.Before(f.Until) && !now.Before(f.At)
}

// again returns how long the same render is not tried after its n-th failure, counted from 1.
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

// doubled returns d, doubled n-1 times, at most most.
func doubled(d time.Duration, n int, most time.Duration) time.Duration {
	for ; n > 1 && d < most; n-- {
		d *= 2
	}
	return min(d, most)
}

// slowBuild is an app that waits for its render, or whose last render took longer than its slice.
type slowBuild struct {
	commit, config string    // of the render that it waits for; "" when there is none
	since          time.Time // when it began to wait
}

// Recall adds what another process recorded about the renders of an app, unless this process knows better: since when the
// app waits for its render, and how the last one failed. Both may be nil.
func (r *Renders) Recall(app string, since *time.Time, failed *Failed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if since != nil && r.slow[app] == nil {
		r.slow[app] = &slowBuild{since: *since}
	}
	if failed != nil && r.failed[app] == nil {
		r.failed[app] = failed
	}
}

// SlowSince returns when the app began to wait for its render, the zero time when it does not wait.
func (r *Renders) SlowSince(app string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.slow[app]; s != nil {
		return s.since
	}
	return time.Time{}
}

// Describe adds the state of a render of an app to its row in the list of apps: with failed, the failure of this commit and
// these settings; with slow, since when the app waits.
func (r *Renders) Describe(app, commit, config string, failed, slow bool, b *record.Behind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.failed[app]; f != nil && failed && f.Commit == commit && f.Config == config {
		failure := record.FailedRender{Config: f.Config, At: f.At, Until: f.Until, Tries: f.Tries}
		if hints := hint.Of(f.Err); len(hints) > 0 {
			failure.Hint = hints[0]
		}
		b.NoteFailedRender(failure)
	}
	if s := r.slow[app]; s != nil && slow {
		b.NoteSlowRender(s.since)
	}
}

// AtOnce is how many apps are rendered in parallel: each render takes a process and its memory.
const AtOnce = 2
