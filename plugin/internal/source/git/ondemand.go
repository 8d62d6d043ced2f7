package git

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Bounds of what is fetched because it is near something that is read.
const (
	largeBlob      = 4 << 20 // bytes of a file that is fetched only when it is named
	wholeDirectory = 2000    // files of a directory that is fetched with all that is below it
	nearDirectory  = 200     // files of the directory of a file, which is fetched with the file
	nearCommits    = 10      // of the history that is sent, so that the server finds the commit before in it, and leaves out its directories
	namesPerFile   = 10      // names that a commit may have for each file that may be fetched
)

// OnDemand is a source.Source that fetches the directories of a commit, and of the files only those that are asked for. It is
// for servers that can filter; with all others it does what Unpacker does.
type OnDemand struct {
	Repo
	First []string // files that Open fetches, as far as they exist: clean slash paths from the top
	Keep  *Kept    // what there is of the commit before; nil begins anew each time
}

// Open fetches the directories of a commit, and the files of First. The contents of all other files are placeholders (see
// package placeholder) until source.Tree.Fetch has fetched them. Of what was asked for in the commit that was opened before,
// Open fetches what has changed: somebody is going to ask for it.
func (o OnDemand) Open(ctx context.Context, commit string) (*source.Tree, error) {
	tree, err := o.open(ctx, commit)
	if errors.Is(err, errNotUnderstood) {
		return Unpacker{o.Repo}.Open(ctx, commit)
	}
	return tree, err
}

func (o OnDemand) open(ctx context.Context, commit string) (*source.Tree, error) {
	a, err := o.address()
	if err != nil {
		return nil, err
	}
	if a.scheme == schemeLocal {
		return nil, errNotUnderstood
	}
	if !isCommit(commit) {
		return nil, fmt.Errorf("%q is not a full commit (40 hexadecimal digits)", commit)
	}
	if o.Server == nil {
		o.Server = new(Server)
	}
	before := o.Keep.take(o.Repo)
	p, err := newPartial(o.Repo, a, before)
	if err != nil {
		return nil, err
	}
	rev, err := p.begin(ctx, plumbing.NewHash(commit), o.First, before)
	if err != nil {
		if p.remove(); before != nil && errors.Is(err, plumbing.ErrObjectNotFound) {
			return o.open(ctx, commit) // the server has another idea of what there is
		}
		return nil, err
	}
	done := sync.OnceFunc(func() { o.Keep.give(p) })
	return &source.Tree{Root: p.files, Revision: rev, Objects: p.names, Lacking: p.fetch, Close: done}, nil
}

// newPartial makes an empty checkout, or goes on with the one before.
func newPartial(r Repo, a address, before *partial) (p *partial, err error) {
	r.Limits = r.Limits.orDefault()
	p = &partial{repo: r, address: a, have: map[string]int64{}, asked: map[string]bool{}, refused: map[plumbing.Hash]bool{}}
	if before != nil {
		p.dir, p.top, p.files = before.dir, before.top, before.files
		p.have, p.asked, p.byName, p.bytes = before.have, before.asked, before.byName, before.bytes
		return p, nil
	}
	if p.dir, err = os.MkdirTemp("", "gitops-"); err != nil {
		return nil, fmt.Errorf("temporary directory: %w", err)
	}
	if p.top, err = os.OpenRoot(p.dir); err == nil {
		err = p.top.Mkdir(filesDir, 0o755)
	}
	if err == nil {
		p.files, err = p.top.OpenRoot(filesDir)
	}
	if err != nil {
		p.remove()
		return nil, err
	}
	return p, nil
}

// partial is a checkout that lacks the contents of files. Readers see the directory "files" in dir. A file is written beside it,
// and moved over its placeholder when it is complete: who reads sees the one or the other.
type partial struct {
	repo    Repo
	address address
	dir     string
	top     *os.Root // dir
	files   *os.Root
	commit  plumbing.Hash
	names   *names

	mu      sync.Mutex
	have    map[string]int64 // files that were written, with their sizes
	asked   map[string]bool  // directories that were fetched, except for large files
	refused map[plumbing.Hash]bool
	byName  bool  // the server does not give out directories with what is below them
	bytes   int64 // of have
}

const (
	filesDir = "files"
	incoming = "incoming"
)

func (p *partial) remove() {
	for _, r := range []*os.Root{p.files, p.top} {
		if r != nil {
			_ = r.Close()
		}
	}
	_ = os.RemoveAll(p.dir)
}

// begin fetches and writes what there is without asking: the directories, symbolic links, and files that are always read.
func (p *partial) begin(ctx context.Context, commit plumbing.Hash, first []string, before *partial) (rev source.Revision, err error) {
	var links []string
	err = p.exchange(ctx, func(ctx context.Context, c exchanger) error {
		rev, links, err = p.directories(ctx, c, commit, before)
		return err
	})
	if err != nil {
		return rev, err
	}
	w := p.want(p.repo.Server.reads.changed(p.names))
	w.near = false
	for _, name := range slices.Concat(first, links) {
		w.add(p, name)
	}
	if err := p.get(ctx, w); err != nil {
		return rev, err
	}
	return rev, p.get(ctx, p.want(first)) // what links among them lead to
}

// exchanger asks a server for objects by their names.
type exchanger interface {
	features(ctx context.Context, known *Server) (features, error)
	named(ctx context.Context, known *Server, ref string) (*packp.AdvRefs, error)
	objects(ctx context.Context, r objectsRequest, l Limits) (*pack, error)
}

// exchange runs do with a client of a server that can filter. It fails with errNotUnderstood for another one.
func (p *partial) exchange(ctx context.Context, do func(context.Context, exchanger) error) error {
	known := p.repo.Server
	if f := known.features.Load(); f != nil && !f.usable() {
		return errNotUnderstood
	}
	filters := true
	err := p.repo.within(ctx, p.address, func(ctx context.Context, l login) error {
		c, explain, end, err := p.connect(ctx, l)
		if err != nil {
			return err
		}
		defer end()
		f, err := c.features(ctx, known)
		if err != nil {
			return explain(err)
		}
		if filters = f.usable(); !filters {
			return nil
		}
		err = do(ctx, c)
		if errors.Is(err, errNotUnderstood) {
			known.features.Store(&features{})
			filters = false
			return nil
		}
		return explain(err)
	})
	if err == nil && !filters {
		return errNotUnderstood
	}
	return err
}

// connect returns a client, what explains its errors, and what ends it.
func (p *partial) connect(ctx context.Context, l login) (c exchanger, explain func(error) error, end func(), err error) {
	if p.address.scheme == schemeSSH {
		s, err := openSSHExchange(ctx, p.address, p.repo.Auth, l, p.repo.Limits)
		if err != nil {
			return nil, nil, nil, err
		}
		return s, s.explain, func() { _ = s.Close() }, nil
	}
	h := newPoller(p.address, l, p.repo.Auth)
	h.guard.refsLimit = p.repo.Limits.Refs
	return h, h.guard.explain, func() {}, nil
}

// directories fetches a commit without the contents of its files, and writes its directories. It returns the symbolic links.
func (p *partial) directories(ctx context.Context, c exchanger, commit plumbing.Hash, before *partial) (rev source.Revision, links []string, err error) {
	req := objectsRequest{wants: []plumbing.Hash{commit}, depth: 1, filter: packp.FilterBlobNone()}
	if before != nil && before.commit != commit {
		req.have, req.depth = before.commit, nearCommits
	} else if before != nil {
		req.filter = packp.FilterTreeDepth(0)
	}
	tag, head := plumbing.ZeroHash, func() string { return "HEAD" }
	ref := p.repo.shortRef(func() string { return "" })
	if p.repo.Trust != nil || ref == "" && !isCommit(p.repo.Ref) {
		adv, err := c.named(ctx, p.repo.Server, p.repo.Ref)
		if err != nil {
			return rev, nil, err
		}
		if head = func() string { return headBranch(adv) }; p.repo.Trust != nil {
			tag = tagOf(adv, p.repo.Ref)
		}
	}
	if !tag.IsZero() && tag != commit {
		req.wants = append(req.wants, tag)
	}
	received, err := c.objects(ctx, req, p.repo.Limits)
	if err != nil {
		return rev, nil, err
	}
	defer received.close()
	found, err := getCommit(received.objects, commit)
	if err != nil {
		return rev, nil, hint.With(fmt.Errorf("commit %s: %w", commit, err), "check that the commit exists in this repository and was pushed")
	}
	signer, err := p.repo.verify(received.objects, found, tag)
	if err != nil {
		return rev, nil, err
	}
	p.commit, p.names = commit, &names{found.TreeHash, map[string][]object.TreeEntry{}}
	s := &skeleton{ctx: ctx, objects: received.objects, most: namesPerFile * p.repo.Limits.Files, limits: p.repo.Limits, top: p.files.Name(), names: p.names}
	if before == nil {
		err = s.write(found.TreeHash, "", 0)
	} else {
		p.names.dirs, s.before = maps.Clone(before.names.dirs), before.names
		err = s.turn(".", found.TreeHash, p, 0)
		if err == nil && p.names.total() > s.most {
			err = tooManyFiles(p.repo.Limits.Files)
		}
	}
	if err != nil {
		return rev, nil, fmt.Errorf("commit %s: %w", commit, err)
	}
	rev = describe(found)
	rev.Signer, rev.Ref = safetext.Line(signer), p.repo.shortRef(head)
	return rev, s.links, nil
}

func (p *partial) has(name string) bool {
	_, found := p.have[name]
	return found
}

// fetch is source.Tree.Lacking.
func (p *partial) fetch(ctx context.Context, paths []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.get(ctx, p.want(paths)); err != nil {
		return err
	}
	p.repo.Server.reads.add(p.names, paths)
	return nil
}

// wantedPaths is what a request asks for.
type wantedPaths struct {
	dirs  map[string]plumbing.Hash // with what is below them, except for large files
	files map[string]plumbing.Hash
	near  bool // the directories of files come along
}

// want says what to ask for, so that the contents at paths can be read.
func (p *partial) want(paths []string) wantedPaths {
	w := wantedPaths{map[string]plumbing.Hash{}, map[string]plumbing.Hash{}, true}
	for _, name := range paths {
		w.add(p, name)
	}
	return w
}

// add adds what lies at a path, if anything does that was not fetched. A large directory is left to who names the files in it.
func (w wantedPaths) add(p *partial, name string) {
	name = p.resolve(name)
	e, found := p.names.entry(name)
	switch {
	case !found || e.Mode == filemode.Submodule:
	case e.Mode == filemode.Dir:
		w.addDir(p, name, e.Hash, wholeDirectory)
	case !p.has(name):
		w.files[name] = e.Hash
		if dir := path.Dir(name); w.near && e.Mode != filemode.Symlink {
			above, _ := p.names.entry(dir)
			w.addDir(p, dir, above.Hash, nearDirectory)
		}
	}
}

// maxHops is how many symbolic links one path may go through, as on Linux.
const maxHops = 40

// resolve follows the symbolic links of a path, as far as they were fetched and lead to something.
func (p *partial) resolve(name string) string {
	done, rest := ".", strings.Split(path.Clean(name), "/")
	for hops := 0; len(rest) > 0 && hops < maxHops; {
		next := path.Join(done, rest[0])
		rest = rest[1:]
		e, found := p.names.entry(next)
		if !found || e.Mode != filemode.Symlink || !p.has(next) {
			done = next
			continue
		}
		hops++
		target, err := p.files.Readlink(next)
		if err != nil || path.IsAbs(target) {
			return next
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return done
}

func (w wantedPaths) addDir(p *partial, dir string, tree plumbing.Hash, most int) {
	for at := dir; ; at = path.Dir(at) {
		if p.asked[at] {
			return
		}
		if at == "." {
			break
		}
	}
	if dir != "." && p.names.count(dir, most) <= most {
		w.dirs[dir] = tree
	}
}

// get fetches what is wanted and writes it.
func (p *partial) get(ctx context.Context, w wantedPaths) error {
	for len(w.dirs)+len(w.files) > 0 {
		err := p.exchange(ctx, func(ctx context.Context, c exchanger) error {
			received, err := c.objects(ctx, objectsRequest{wants: p.hashes(w), filter: "blob:limit=" + packp.Filter(fmt.Sprint(largeBlob))}, p.repo.Limits)
			if err != nil {
				return err
			}
			defer received.close()
			return p.put(ctx, w, received)
		})
		if err == nil {
			maps.Copy(p.asked, asked(w.dirs))
			return nil
		}
		if again, why := p.without(ctx, w, err); !again {
			return why
		}
	}
	return nil
}

func asked(dirs map[string]plumbing.Hash) map[string]bool {
	all := make(map[string]bool, len(dirs))
	for dir := range dirs {
		all[dir] = true
	}
	return all
}

// hashes lists what to ask for. A server that does not give out directories is asked for each file.
func (p *partial) hashes(w wantedPaths) []plumbing.Hash {
	wants := map[plumbing.Hash]bool{}
	for _, h := range w.files {
		wants[h] = true
	}
	for dir, h := range w.dirs {
		if !p.byName {
			wants[h] = true
			continue
		}
		p.names.below(dir, func(name string, e object.TreeEntry) {
			if e.Mode != filemode.Submodule && !p.has(name) && !p.refused[e.Hash] {
				wants[e.Hash] = true
			}
		})
	}
	return slices.SortedFunc(maps.Keys(wants), func(a, b plumbing.Hash) int { return strings.Compare(string(a[:]), string(b[:])) })
}

// put writes what was received. What is named must have come; of what is near, large files may be left out.
func (p *partial) put(ctx context.Context, w wantedPaths, received *pack) (err error) {
	write := func(name string, e object.TreeEntry, named bool) {
		if err == nil && !p.has(name) && e.Mode != filemode.Submodule {
			if err = ctx.Err(); err == nil {
				err = p.putFile(received, name, e, named)
			}
		}
	}
	for name := range w.files {
		e, _ := p.names.entry(name)
		write(name, e, true)
	}
	for dir := range w.dirs {
		p.names.below(dir, func(name string, e object.TreeEntry) { write(name, e, false) })
	}
	return err
}

func (p *partial) putFile(received *pack, name string, e object.TreeEntry, named bool) error {
	o, err := received.objects.EncodedObject(plumbing.BlobObject, e.Hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) && !named {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	if p.bytes+o.Size() > p.repo.Limits.Bytes {
		return tooManyBytes(p.repo.Limits.Bytes)
	}
	if len(p.have) >= p.repo.Limits.Files {
		return tooManyFiles(p.repo.Limits.Files)
	}
	r, err := o.Reader()
	if err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	defer r.Close()
	_ = p.top.Remove(incoming) // what a failure left
	if e.Mode == filemode.Symlink {
		err = writeLink(p.top, incoming, name, r, o.Size())
	} else {
		err = writeFile(p.top, incoming, name, e.Mode, r, o.Size())
	}
	if err == nil {
		err = p.top.Rename(incoming, path.Join(filesDir, name))
	}
	if err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	p.have[name] = o.Size()
	p.bytes += o.Size()
	return nil
}

// without finds out whether asking once more, for less, may do better. If not, it returns what is wrong.
func (p *partial) without(ctx context.Context, w wantedPaths, err error) (again bool, why error) {
	missing, known := notOurs(err)
	for name, h := range w.files {
		if known && h == missing {
			return false, hint.With(fmt.Errorf("%s: %s does not give out this file (blob %s)", safetext.Line(name), p.address.display, missing),
				"the repository on the server is damaged or incomplete: run git fsck there")
		}
	}
	var said *saidError
	switch {
	case ctx.Err() != nil || len(w.dirs) == 0:
		return false, err
	case !p.byName && (errors.As(err, &said) || len(hint.Of(err)) == 0): // an error with a hint is one of ours
		p.byName = true
		return true, nil
	case known && p.byName && !p.refused[missing]:
		p.refused[missing] = true
		return true, nil
	}
	return false, err
}
