package target

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sources"
)

// withSources lets dir render apps whose files lie in other repositories as well. What the flags say of the instance's repository counts for
// those too: limits, and credentials where the host is the same.
func withSources(f *Flags, n Notices, dir RenderFunc) RenderFunc {
	r := sources.Renderer{Render: dir, Fetcher: newSources(f, n)}
	if !n.Fresh {
		r.Lock = pins.Load
	}
	return r.Dir
}

// SourceResolver returns what asks what the ref of a source stands for now.
func SourceResolver(f *Flags, n Notices) func(context.Context, render.NamedSource) (sources.Version, error) {
	return newSources(f, n).Resolve
}

// ShareSources lets the renders that follow share the trees of sources, until done is called.
func ShareSources(f *Flags) (done func()) {
	f.shared = &sharedTrees{trees: map[string]*sharedTree{}}
	return f.shared.close
}

func newSources(f *Flags, n Notices) *sourceFetcher {
	return &sourceFetcher{trees: f.shared, registries: charts(f, n), own: func() git.Repo { return f.Repository().git }, notices: n, servers: map[string]*git.Server{},
		secret: func(ctx context.Context, name string) (git.Auth, error) {
			dir, data, err := secretOf(ctx, f, name)
			if dir != "" {
				return git.Auth{Dir: dir}, nil
			}
			return git.Auth{Keys: data, Name: "the Secret " + name}, err
		}, secrets: map[string]git.Auth{}}
}

// sourceFetcher fetches the trees that apps name.
type sourceFetcher struct {
	own     func() git.Repo // the repository of the instance
	notices Notices
	secret  func(ctx context.Context, name string) (git.Auth, error)

	registries *chartrepo.Fetcher
	trees      *sharedTrees // nil shares none

	mu      sync.Mutex
	servers map[string]*git.Server // by address and Secret
	secrets map[string]git.Auth    // that were read, by name: a branch is asked for in each run
}

// Resolve implements sources.Fetcher.
func (f *sourceFetcher) Resolve(ctx context.Context, s render.NamedSource) (v sources.Version, err error) {
	if s.OCI != "" {
		return f.resolveArtifact(ctx, s)
	}
	repo, err := f.repo(ctx, s)
	if err != nil {
		return v, err
	}
	if pins.IsRange(s.Ref) {
		v, err := newestTag(ctx, repo, s.Ref)
		return v, f.failed(s, repo, err)
	}
	repo.Ref = s.Ref
	commit, branch, err := repo.Resolve(ctx)
	v = sources.Version{Name: s.Ref, Digest: gitDigest + commit, Branch: branch}
	if branch {
		v.Name = commit
	}
	return v, f.failed(s, repo, err)
}

// gitDigest is what digests begin with that are commits.
const gitDigest = "sha1:"

// newestTag returns the newest tag in a range of versions.
func newestTag(ctx context.Context, repo git.Repo, constraint string) (v sources.Version, err error) {
	tags, err := git.Tags(ctx, repo)
	if err != nil {
		return v, err
	}
	name, err := sources.Newest(constraint, slices.Collect(maps.Keys(tags)))
	return sources.Version{Name: name, Digest: gitDigest + tags[name]}, err
}

// Open implements sources.Fetcher.
func (f *sourceFetcher) Open(ctx context.Context, s render.NamedSource, v sources.Version, meant bool) (sources.Tree, error) {
	if f.trees == nil {
		return f.open(ctx, s, v, meant)
	}
	key := fmt.Sprintf("%q %q %q %s %v", s.URL(), s.Secret, s.Layer, v.Digest, meant)
	return f.trees.get(ctx, key, func() (sources.Tree, error) { return f.open(ctx, s, v, meant) })
}

// open fetches a tree. Where only signed commits of the instance's repository are applied, a commit that neither it nor its lock
// names has to be signed as well.
func (f *sourceFetcher) open(ctx context.Context, s render.NamedSource, v sources.Version, meant bool) (sources.Tree, error) {
	if s.OCI != "" {
		return f.openArtifact(ctx, s, v)
	}
	repo, err := f.repo(ctx, s)
	if err != nil {
		return sources.Tree{}, err
	}
	commit := strings.TrimPrefix(v.Digest, gitDigest)
	switch {
	case v.Name == commit:
		repo.Ref = commit
	case strings.HasPrefix(v.Name, "refs/"):
		repo.Ref = v.Name
	default:
		repo.Ref = "refs/tags/" + v.Name
	}
	if !meant {
		repo.Trust = f.own().Trust
	}
	tree, err := git.OnDemand{Repo: repo, First: []string{".gitmodules", ".gitopsignore", ".sourceignore"}}.Open(ctx, commit)
	if err != nil {
		return sources.Tree{}, f.failed(s, repo, err)
	}
	f.notices.Fetched(report.Event{Kind: report.Fetched, Text: fmt.Sprintf("source %s  %.7s", sources.Label(s), commit)})
	return sources.Tree{Root: tree.Root, Lacking: tree.Lacking, Close: tree.Close}, nil
}

// repo is the repository of a source, with the credentials of the Secret that it names. Those of the instance go to the host of its
// repository only.
func (f *sourceFetcher) repo(ctx context.Context, s render.NamedSource) (git.Repo, error) {
	own := f.own()
	repo := git.Repo{URL: s.Git, Limits: own.Limits, Mirror: own.Mirror}
	if repo.Local() { // gitops.yaml says nothing about the machine that it is read on
		return repo, hint.Errorf("it is a directory of this machine", "write the https:// or ssh:// address of a Git repository")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if host := hostOf(s.Git); s.Secret == "" && host != "" && host == hostOf(own.URL) {
		repo.Auth = own.Auth
	}
	if s.Secret != "" {
		var err error
		if repo.Auth, err = f.auth(ctx, s.Secret); err != nil {
			return repo, err
		}
	}
	at := s.Git + " " + s.Secret
	if f.servers[at] == nil {
		f.servers[at] = new(git.Server)
	}
	repo.Server = f.servers[at]
	return repo, nil
}

// auth reads a Secret once, until a server refuses what it holds. f.mu is held.
func (f *sourceFetcher) auth(ctx context.Context, name string) (git.Auth, error) {
	if auth, known := f.secrets[name]; known {
		return auth, nil
	}
	auth, err := f.secret(ctx, name)
	if err == nil {
		f.secrets[name] = auth
	}
	return auth, err
}

// failed lets the next run read the Secret of a source again: a server may have refused it.
func (f *sourceFetcher) failed(s render.NamedSource, repo git.Repo, err error) error {
	if err != nil && s.Secret != "" {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.secrets, s.Secret)
	}
	return bare(repo, err)
}

// hostOf returns the protocol, host and port of an address, "" when it has none.
func hostOf(address string) string {
	if at, err := url.Parse(address); err == nil && at.Host != "" {
		return strings.ToLower(at.Scheme + "://" + at.Host)
	}
	if host, _, scp := strings.Cut(address, ":"); scp && !strings.Contains(host, "/") {
		return strings.ToLower("ssh://" + host[strings.LastIndex(host, "@")+1:])
	}
	return ""
}

// bare takes the address off an error: its reader knows which source it is about.
func bare(repo git.Repo, err error) error {
	if err == nil {
		return nil
	}
	text, found := strings.CutPrefix(err.Error(), repo.Display()+": ")
	if !found {
		return err
	}
	short := errors.New(text)
	for _, h := range hint.Of(err) {
		short = hint.With(short, "%s", strings.NewReplacer("--ref", "ref").Replace(h))
	}
	return short
}
