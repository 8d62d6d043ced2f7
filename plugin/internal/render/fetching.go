package render

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
)

// maxFetches bounds how often one render asks for charts: each time it got further than before.
const maxFetches = 64

// fetching gets the charts of one render.
type fetching struct {
	from    func(ctx context.Context, n chart.Need) (archive []byte, version string, err error)
	locks   func(root *os.Root) (pins.Lock, error) // may be nil
	memory  *memory.Budget
	root    *os.Root
	dir     string
	options Options // with the archives so far
	bytes   int     // of the archives
	lock    pins.Lock
	known   bool // lock was read
}

// get fetches what a child asked for.
func (f *fetching) get(ctx context.Context, needs *needsError) error {
	f.options.Archives = maps.Clone(f.options.Archives)
	if f.options.Archives == nil {
		f.options.Archives = map[string][]byte{}
	}
	for _, n := range needs.needs {
		archive, err := f.one(ctx, n)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			p := needs.problem
			meant := n
			if pin, _ := f.pin(n); pin.Version != "" {
				meant.Version = pin.Version
			}
			if p.Origin == (Origin{}) { // an app as its record has it: no line is known
				return fmt.Errorf("%s: %w", f.called(n, meant), err)
			}
			p.Message, p.Elsewhere, p.Hint = f.called(n, meant)+": "+err.Error(), true, strings.Join(hint.Of(err), "; ")
			return Problems{p}
		}
		if err := f.memory.Room(int64(len(archive))); err != nil {
			return within(f.dir, err)
		}
		if f.bytes += len(archive); f.bytes > maxArchives {
			return Problems{{Origin: needs.problem.Origin, Message: fmt.Sprintf("the charts are larger than %s together", size(maxArchives))}}
		}
		f.options.Archives[n.Key()] = archive
	}
	return nil
}

// called is what messages call a need, with the version that is meant.
func (f *fetching) called(n, meant chart.Need) string {
	if f.isNamed(n) {
		return "chart " + meant.String()
	}
	return "dependency " + meant.String()
}

func (f *fetching) isNamed(n chart.Need) bool {
	return f.options.Chart != nil && f.options.Chart.Need == n
}

// one fetches one chart: the version that gitops.lock.yaml gives, or else the pins of the options, or else the newest.
func (f *fetching) one(ctx context.Context, n chart.Need) ([]byte, error) {
	if !f.known {
		if err := f.readLock(); err != nil {
			return nil, err
		}
	}
	f.known = true
	pin, locked := f.pin(n)
	exact := n
	if pin.Version != "" {
		exact.Version = pin.Version
	}
	archive, version, err := f.from(ctx, exact)
	if err != nil {
		return nil, err
	}
	digest := chart.Digest(archive)
	if locked && pin.Digest != "" && pin.Digest != digest {
		return nil, hint.Errorf(fmt.Sprintf("version %s was published anew: %s has %s, and now it is %s", version, pins.Name, pin.Digest, digest),
			"find out why; to accept it, run `kubectl gitops lock --upgrade` and commit %s", pins.Name)
	}
	exact.Version = version
	if f.options.Fetched != nil {
		if err := f.options.Fetched(Dependency{exact, constraint(n), digest, locked && pin.Digest != ""}); err != nil {
			return nil, err
		}
	}
	if f.isNamed(n) {
		named := *f.options.Chart
		named.Resolved = version
		f.options.Chart = &named
	}
	return archive, nil
}

// readLock reads the gitops.lock.yaml that counts.
func (f *fetching) readLock() (err error) {
	if f.lock = f.options.Lock; f.lock == nil && f.locks != nil {
		f.lock, err = f.locks(f.root)
	}
	return err
}

// pin returns the entry that says which version a need means, and whether it is one of gitops.lock.yaml. Its version is empty where nothing says it.
func (f *fetching) pin(n chart.Need) (pin pins.Entry, locked bool) {
	if pin, locked = f.lock.Find(n.Repository, n.Name, constraint(n)); !locked {
		pin, _ = pins.Lock(f.options.Pins).Find(n.Repository, n.Name, constraint(n))
	}
	return pin, locked
}

// constraint is what a need says of its version: any, when it says nothing.
func constraint(n chart.Need) string { return cmp.Or(n.Version, "*") }
