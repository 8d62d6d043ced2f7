package sources

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

var commitForm = regexp.MustCompile(`^[0-9a-f]{40}$`)

// Exact returns what a ref means that no server has to be asked about: a full commit, or the digest of an artifact.
func Exact(s render.NamedSource) (v Version, ok bool) {
	switch {
	case s.OCI == "" && commitForm.MatchString(s.Ref):
		return Version{Name: s.Ref, Digest: "sha1:" + s.Ref}, true
	case s.OCI != "" && strings.HasPrefix(s.Ref, "sha256:"):
		return Version{Name: s.Ref, Digest: s.Ref}, true
	}
	return Version{}, false
}

// MayFollow reports whether the ref of a source may be a branch, which moves with its commits.
func MayFollow(s render.NamedSource) bool {
	_, exact := Exact(s)
	return s.OCI == "" && !exact && !pins.IsRange(s.Ref) && !strings.HasPrefix(s.Ref, "refs/tags/")
}

// opener opens the trees of one render, each once.
type opener struct {
	Renderer
	options render.Options
	lock    pins.Lock
	opened  map[render.NamedSource]*fetched
	order   []*fetched
}

// fetched is a tree, and what is told of it.
type fetched struct {
	Tree
	told render.FetchedSource
}

// newOpener reads the lock of the checkout at root.
func (r Renderer) newOpener(root *os.Root, o render.Options) (*opener, error) {
	w := &opener{Renderer: r, options: o, lock: o.Lock, opened: map[render.NamedSource]*fetched{}}
	if w.lock == nil && r.Lock != nil {
		var err error
		if w.lock, err = r.Lock(root); err != nil {
			return nil, err
		}
	}
	if w.lock == nil {
		w.lock = pins.Lock{} // there is none: the tree of the source has no say
	}
	return w, nil
}

func (w *opener) close() {
	for _, t := range w.order {
		t.Close()
	}
}

// tell tells Options.SourceFetched about all trees.
func (w *opener) tell() error {
	for _, t := range w.order {
		if w.options.SourceFetched == nil {
			break
		}
		if err := w.options.SourceFetched(t.told); err != nil {
			return err
		}
	}
	return nil
}

// open fetches the tree of a source.
func (w *opener) open(ctx context.Context, s render.NamedSource) (*fetched, error) {
	key := s
	key.Origin = manifest.Origin{}
	if t, known := w.opened[key]; known {
		return t, nil
	}
	t, err := w.fetch(ctx, s)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, manifest.Problems{{Origin: s.Origin, Message: "source " + Label(s) + ": " + err.Error(), Hint: strings.Join(hint.Of(err), "; "), Elsewhere: true}}
	}
	w.opened[key] = t
	w.order = append(w.order, t)
	return t, nil
}

func (w *opener) fetch(ctx context.Context, s render.NamedSource) (*fetched, error) {
	if w.Fetcher == nil {
		return nil, errors.New("sources cannot be fetched here")
	}
	v, asked, locked, err := w.version(ctx, s)
	if err != nil {
		return nil, err
	}
	_, exact := Exact(s)
	t, err := w.Fetcher.Open(ctx, s, v, locked || exact)
	return &fetched{t, render.FetchedSource{NamedSource: s, Version: v.Name, Digest: v.Digest, Asked: asked, Branch: v.Branch, Locked: locked}}, err
}

// version decides which version is meant: that of gitops.lock.yaml, or else that of the options, or else what the ref stands for now.
func (w *opener) version(ctx context.Context, s render.NamedSource) (v Version, asked, locked bool, err error) {
	if v, exact := Exact(s); exact {
		return v, false, false, nil
	}
	pin, locked := w.lock.Find(s.URL(), "", s.Ref)
	if !locked {
		pin, _ = pins.Lock(w.options.Pins).Find(s.URL(), "", s.Ref)
	}
	if pin.Version == "" {
		v, err = w.Fetcher.Resolve(ctx, s)
		return v, true, false, err
	}
	v = Version{Name: pin.Version, Digest: pin.Digest}
	if v.Digest == "" && s.OCI == "" && commitForm.MatchString(v.Name) {
		v.Digest = "sha1:" + v.Name
	}
	if v.Digest != "" {
		return v, false, locked, nil
	}
	exactly := s
	exactly.Ref = pin.Version
	v, err = w.Fetcher.Resolve(ctx, exactly)
	v.Branch = false
	return v, true, locked, err
}

// Label is how messages and origins call a source: host, path and ref.
func Label(s render.NamedSource) string {
	_, at, found := strings.Cut(s.URL(), "://")
	if !found {
		at = s.URL()
	}
	host, path, _ := strings.Cut(at, "/")
	host = host[strings.LastIndex(host, "@")+1:] // a user name says nothing
	text := strings.TrimSuffix(host+"/"+path, ".git")
	if s.Ref == "" {
		return text
	}
	if commitForm.MatchString(s.Ref) || strings.HasPrefix(s.Ref, "sha256:") {
		return fmt.Sprintf("%s@%.14s", text, strings.TrimPrefix(s.Ref, "sha256:"))
	}
	return text + "@" + s.Ref
}
