package git

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// pack is one fetched packfile in a temporary directory.
type pack struct {
	adv     *packp.AdvRefs
	tag     plumbing.Hash // of the annotated tag that ref is; zero when it is none
	objects *filesystem.Storage
	dir     string
}

func (p *pack) close() {
	if p.objects != nil {
		_ = p.objects.Close()
	}
	_ = os.RemoveAll(p.dir)
}

// packRequest says what a pack is to hold.
type packRequest struct {
	want   plumbing.Hash
	all    bool          // all branches and tags, instead of want
	have   plumbing.Hash // what this commit reaches is left out, unless it is zero
	tag    bool          // the annotated tag that ref is comes along
	ref    string
	depth  int          // of the history, in commits; all when zero
	filter packp.Filter // for servers that can filter
}

// fetchPack asks for what r says. It fails when the server does not know r.have. The caller closes the pack.
func fetchPack(ctx context.Context, s session, r packRequest, l Limits) (*pack, error) {
	adv, err := s.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, err
	}
	p := &pack{adv: adv}
	if r.tag {
		p.tag = tagOf(adv, r.ref)
	}
	req, err := r.upload(adv, p.tag)
	if err != nil {
		return nil, err
	}
	res, err := s.UploadPack(ctx, req)
	if err != nil {
		return nil, err
	}
	defer res.Close()
	if !r.have.IsZero() && !slices.Contains(res.ACKs, r.have) {
		return nil, unknownCommit(r.have)
	}
	received, err := receive(ctx, unband(req.Capabilities, res), l)
	if err != nil {
		return nil, err
	}
	received.adv, received.tag = p.adv, p.tag
	return received, nil
}

// receive reads a pack. The caller closes it.
func receive(ctx context.Context, r io.Reader, l Limits) (*pack, error) {
	dir, err := os.MkdirTemp("", "kubectl-gitops-")
	if err != nil {
		return nil, err
	}
	p := &pack{dir: dir}
	if err := p.store(ctx, r, l); err != nil {
		p.close()
		return nil, err
	}
	p.objects = openStorage(p.dir)
	return p, nil
}

// upload words the request for a server that says adv of itself.
func (r packRequest) upload(adv *packp.AdvRefs, tag plumbing.Hash) (*packp.UploadPackRequest, error) {
	req := packp.NewUploadPackRequestFromCapabilities(adv.Capabilities)
	req.Wants = []plumbing.Hash{wanted(adv, r.want)}
	if r.all {
		req.Wants = tips(adv)
	}
	if !tag.IsZero() && tag != req.Wants[0] {
		req.Wants = append(req.Wants, tag)
	}
	if !r.have.IsZero() {
		req.Haves = []plumbing.Hash{r.have}
	}
	set := []capability.Capability{capability.NoProgress}
	if r.depth > 0 && adv.Capabilities.Supports(capability.Shallow) {
		req.Depth = packp.DepthCommits(r.depth)
		set = append(set, capability.Shallow)
	}
	if r.filter != "" && adv.Capabilities.Supports(capability.Filter) {
		req.Filter = r.filter
		set = append(set, capability.Filter)
	}
	for _, c := range set {
		if !adv.Capabilities.Supports(c) {
			continue
		}
		if err := req.Capabilities.Set(c); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// tips are all branches and tags.
func tips(adv *packp.AdvRefs) []plumbing.Hash {
	seen := map[plumbing.Hash]bool{}
	var all []plumbing.Hash
	for name, h := range adv.References {
		if n := plumbing.ReferenceName(name); (n.IsBranch() || n.IsTag()) && !seen[h] {
			seen[h], all = true, append(all, h)
		}
	}
	return all
}

// wanted is what to ask for to get commit: servers that give out tips only know an annotated tag by its own hash.
func wanted(adv *packp.AdvRefs, commit plumbing.Hash) plumbing.Hash {
	for _, h := range adv.References {
		if h == commit {
			return commit
		}
	}
	for name, h := range adv.Peeled {
		if h == commit {
			return adv.References[name]
		}
	}
	return commit
}

func unband(caps *capability.List, r io.Reader) io.Reader {
	switch {
	case caps.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, r)
	case caps.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, r)
	}
	return r
}

// store writes the packfile r and its index below p.dir. Objects are named by the hash of what was received, so a
// server cannot pass off other contents for a commit.
func (p *pack) store(ctx context.Context, r io.Reader, l Limits) error {
	dir := filepath.Join(p.dir, "objects", "pack")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, "incoming"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, r); err != nil {
		return fmt.Errorf("receive the pack: %w", err)
	}
	in := &seeker{ctx, f}
	if err := checkPack(in, l); err != nil {
		return err
	}
	index := new(idxfile.Writer)
	sum, err := indexPack(in, index)
	if err != nil {
		return fmt.Errorf("corrupt pack: %w", err)
	}
	name := filepath.Join(dir, "pack-"+sum.String())
	if err := writeIndex(index, name+".idx"); err != nil {
		return err
	}
	return os.Rename(f.Name(), name+".pack")
}

// seeker stops parsing, which may take long and knows no context, when ctx ends.
type seeker struct {
	ctx context.Context
	f   *os.File
}

func (s *seeker) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.f.Read(p)
}

func (s *seeker) Seek(offset int64, whence int) (int64, error) { return s.f.Seek(offset, whence) }

// checkPack adds up what the pack's entries say they unpack to, before anything of that size is allocated.
func checkPack(r io.ReadSeeker, l Limits) error {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	s := packfile.NewScanner(r)
	_, count, err := s.Header()
	if err != nil {
		return fmt.Errorf("corrupt pack: %w", err)
	}
	if int64(count) > int64(l.Files)+100 { // commit, tags, root directory
		return tooManyFiles(l.Files)
	}
	var total int64
	for range count {
		h, err := s.NextObjectHeader()
		if err != nil {
			return fmt.Errorf("corrupt pack: %w", err)
		}
		size := h.Length
		if size < 0 || size > l.Bytes {
			return tooManyBytes(l.Bytes)
		}
		if size > l.Object {
			return tooLargeObject(l.Object)
		}
		start := new(prefix)
		if _, _, err := s.NextObject(start); err != nil {
			return fmt.Errorf("corrupt pack: %w", err)
		}
		if h.Type.IsDelta() {
			if size, err = start.deltaTarget(); err != nil {
				return fmt.Errorf("corrupt pack: %w", err)
			}
		}
		if size < 0 || size > l.Bytes-total {
			return tooManyBytes(l.Bytes)
		}
		if size > l.Object {
			return tooLargeObject(l.Object)
		}
		total += size
	}
	return nil
}

// prefix keeps the first bytes written to it.
type prefix struct {
	data [2 * binary.MaxVarintLen64]byte
	n    int
}

func (p *prefix) Write(b []byte) (int, error) {
	p.n += copy(p.data[p.n:], b)
	return len(b), nil
}

// deltaTarget reads the second number of a delta, the size of its result.
func (p *prefix) deltaTarget() (int64, error) {
	data := p.data[:p.n]
	_, n := binary.Uvarint(data)
	if n <= 0 {
		return 0, errors.New("malformed delta")
	}
	size, m := binary.Uvarint(data[n:])
	if m <= 0 {
		return 0, errors.New("malformed delta")
	}
	return int64(size), nil
}

func indexPack(r io.ReadSeeker, index *idxfile.Writer) (plumbing.Hash, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return plumbing.ZeroHash, err
	}
	parser, err := packfile.NewParser(packfile.NewScanner(r), index)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return parser.Parse()
}

func writeIndex(index *idxfile.Writer, name string) error {
	idx, err := index.Index()
	if err != nil {
		return fmt.Errorf("index the pack: %w", err)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := idxfile.NewEncoder(f).Encode(idx); err != nil {
		_ = f.Close()
		return fmt.Errorf("index the pack: %w", err)
	}
	return f.Close()
}

func openStorage(dir string) *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRU(16*cache.MiByte), filesystem.Options{
		ExclusiveAccess:      true,
		KeepDescriptors:      true,
		LargeObjectThreshold: 8 << 20,
	})
}

func unknownCommit(h plumbing.Hash) error {
	return hint.With(fmt.Errorf("the repository does not have commit %s any more", h), "was the branch rewritten?")
}
