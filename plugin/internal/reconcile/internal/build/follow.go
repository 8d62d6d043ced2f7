package build

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sources"
)

// A source at a branch follows it: each run asks its server once, as it asks the server of the repository itself. The commit counts as a
// setting of the app, so that a new one makes the app render anew. Any other ref means what the record says, and nobody is asked.

// Resolve returns what the ref of a source stands for now.
type Resolve func(ctx context.Context, s render.NamedSource) (sources.Version, error)

// Follower finds out what the branches of the sources of an app point at.
type Follower struct {
	App    app.App
	Record *record.Record // of the app
	Config string         // digest of its settings
	Say    *tell.Teller   // receives warnings
	Open   func(ctx context.Context) (*source.Tree, error)
}

// Follow returns what the branches of the sources of the app point at, and the digest of its settings with that. When a server does not answer,
// the recorded commit stays, with a warning.
func (f *Follower) Follow(ctx context.Context, resolve Resolve) (followed []pins.Entry, config string, err error) {
	moving := ""
	for _, s := range f.App.Trees() {
		named := *rendering.Source(&s)
		was, known := f.Record.Tree(named.URL(), s.Ref)
		if asks, err := f.follows(ctx, s, was, known); err != nil {
			return nil, "", err
		} else if !asks {
			continue
		}
		v, err := resolve(ctx, named)
		switch {
		case ctx.Err() != nil:
			return nil, "", ctx.Err()
		case err != nil && !known:
			continue // the render says it, with the line
		case err != nil:
			f.Say.Say(report.Warning, "source %s: %v; its commit %.7s stays", sources.Label(named), err, was.Version)
			v = sources.Version{Name: was.Version, Digest: was.Digest, Branch: true}
		}
		followed = append(followed, pins.Entry{URL: named.URL(), Constraint: s.Ref, Version: v.Name, Digest: v.Digest})
		if !v.Branch && !known {
			continue // a tag: nobody asks again
		}
		moving += fmt.Sprintf("\n%q %s", named.URL()+" "+s.Ref, v.Digest)
	}
	if config = f.Config; moving != "" {
		sum := sha256.Sum256([]byte(config + moving))
		config = base64.RawURLEncoding.EncodeToString(sum[:12])
	}
	return followed, config, nil
}

// follows reports whether a server has to be asked about a source.
func (f *Follower) follows(ctx context.Context, s app.Source, was record.Tree, known bool) (bool, error) {
	named := *rendering.Source(&s)
	if !sources.MayFollow(named) || known {
		return known && was.Branch && !was.Locked, nil
	}
	tree, err := f.Open(ctx)
	if err != nil {
		return false, err
	}
	defer tree.Close()
	if err := tree.Fetch(ctx, pins.Name); err != nil {
		return false, err
	}
	lock, err := pins.Load(tree.Root)
	if err != nil {
		return false, err
	}
	_, locked := lock.Find(named.URL(), "", s.Ref)
	return !locked, nil
}

// Follows reports whether a source of a recorded app is at a branch.
func Follows(rec *record.Record) bool {
	for _, t := range rec.Trees {
		if t.Branch && !t.Locked {
			return true
		}
	}
	return false
}

// IsBranch reports whether an entry is what a branch points at, rather than a tag.
func IsBranch(e pins.Entry) bool { return e.Digest == "sha1:"+e.Version }
