// Package sources renders apps whose files lie elsewhere: in other Git repositories and in artifacts of registries. It decides
// which version is meant, has its tree fetched, renders each part of an app with the tree that the part is in, and joins the objects.
//
// It does NOT speak to servers, know credentials or unpack anything: a Fetcher does. It does not render either.
package sources

import (
	"context"
	"os"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// Version is what a ref stands for. Name is a tag or a commit, Digest the commit as "sha1:...", or the digest of the manifest of an
// artifact as "sha256:...". Branch tells that the ref follows a branch.
type Version struct {
	Name, Digest string
	Branch       bool
}

// Tree is a tree of files. Lacking fetches contents that it lacks, as source.Tree.Lacking does; it may be nil. Close must be called when the
// tree is not needed any more.
type Tree struct {
	Root    *os.Root
	Lacking func(ctx context.Context, paths []string) error
	Close   func()
}

// Fetcher asks servers. Several goroutines may use it.
type Fetcher interface {
	// Resolve returns what the ref of a source stands for now: of a range of versions, the newest.
	Resolve(ctx context.Context, s render.NamedSource) (Version, error)
	// Open fetches a tree by the digest of a version. meant tells that the repository of the instance itself names this digest.
	Open(ctx context.Context, s render.NamedSource, v Version, meant bool) (Tree, error)
}

// Func renders a directory of a tree.
type Func func(ctx context.Context, root *os.Root, dir string, o render.Options) ([]manifest.Object, error)

// Renderer renders what Options.Trees names, and hands everything else to Render.
type Renderer struct {
	Render  Func
	Fetcher Fetcher
	Lock    func(root *os.Root) (pins.Lock, error) // reads the gitops.lock.yaml of a checkout; nil where there is none
}
