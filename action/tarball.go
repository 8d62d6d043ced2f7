package action

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1" //nolint:gosec // Git's object names are SHA-1.
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// Bounds of what is read. The bytes are those after decompression.
const (
	maxFile    = 8 << 20   // one YAML file
	maxKept    = 512 << 20 // all YAML files together
	maxTarball = 4 << 30   // the whole archive
)

// snapshot is the YAML of one commit.
type snapshot struct {
	commit string
	files  []bumper.File
	// context are files outside of the paths that may say what the values in files are for. Nothing of them is edited.
	context     []bumper.File
	contextSize int
	own         map[string][]byte // the files that are ours to read, and never hold images: promotion.yaml and the holds
	modes       map[string]string // path -> Git mode
	// rewritten is set when .gitattributes names a conversion that makes an archive differ from Git's own bytes.
	rewritten bool
	skipped   []string // YAML too large to read

	tree map[string]treeFile // every file of the archive
	root string              // the name of tree, once it is known
}

// wanted says whether a path is read at all.
type wanted struct {
	patterns []string
	extra    []string // files named by explicit edits
	only     bool     // nothing but extra
	explain  bool     // with only: what may explain the files as well
}

// ours says whether a file is one of those that the action itself reads.
func ours(p string) bool { return p == promotionFile || p == holdsFile }

// add puts a file into the snapshot.
func (s *snapshot) add(name, mode string, data []byte) {
	s.modes[name] = mode
	if ours(name) {
		s.own[name] = data
		return
	}
	s.files = append(s.files, bumper.File{Path: name, Data: data})
}

// data is the content of a file, and whether it is there.
func (s *snapshot) data(name string) ([]byte, bool) {
	if data, ok := s.own[name]; ok {
		return data, true
	}
	at := slices.IndexFunc(s.files, func(f bumper.File) bool { return f.Path == name })
	if at < 0 {
		return nil, false
	}
	return s.files[at].Data, true
}

func newSnapshot() *snapshot {
	return &snapshot{modes: map[string]string{}, own: map[string][]byte{}, tree: map[string]treeFile{}}
}

func (w wanted) has(p string) bool {
	if slices.Contains(w.extra, p) || ours(p) {
		return true
	}
	if w.only {
		return false
	}
	switch strings.ToLower(path.Ext(p)) {
	case ".yaml", ".yml":
	default:
		if path.Base(p) != "Kustomization" {
			return false
		}
	}
	return glob.Match(w.patterns, p)
}

// Bounds of what is read as context. What is beyond them is not looked at.
const (
	maxContextFile = 1 << 20
	maxContext     = 64 << 20
)

// mayExplain says whether a file that is not asked for is read all the same, because it may name the image of a tag that is:
// the defaults of a chart, the chart itself, or what installs it.
func (w wanted) mayExplain(p string) bool {
	return (w.explain || len(w.patterns) > 0 && !w.only) && !w.has(p) && wanted{}.has(p)
}

// addContext keeps a file that may explain others.
func (s *snapshot) addContext(name string, data []byte) {
	if s.contextSize+len(data) > maxContext {
		return
	}
	for _, word := range []string{"mage", "repo", "registry", "elm"} {
		if path.Base(name) == "Chart.yaml" || bytes.Contains(data, []byte(word)) {
			s.contextSize += len(data)
			s.context = append(s.context, bumper.File{Path: name, Data: data})
			return
		}
	}
}

// everything is what may explain any file.
func (s *snapshot) everything() []bumper.File { return slices.Concat(s.files, s.context) }

// fetch downloads one commit as a tarball and keeps its YAML. Nothing is written to disk.
func (c *client) fetch(ctx context.Context, commit string, w wanted) (*snapshot, error) {
	var lastErr error
	for range 3 { // the stream can break after the headers, where the transport cannot help
		body, err := c.tarball(ctx, commit)
		if err != nil {
			return nil, err
		}
		snap, err := readTarball(body, w)
		_ = body.Close()
		if err == nil {
			snap.commit = commit
			return snap, nil
		}
		lastErr = err
		if errors.Is(err, errTooBig) || errors.Is(err, errUnsafe) || ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("%s: %w", download, lastErr)
}

const download = "download the repository"

// tarball begins the download of one commit.
func (c *client) tarball(ctx context.Context, commit string) (io.ReadCloser, error) {
	url := fmt.Sprintf("%srepos/%s/%s/tarball/%s", c.rest.BaseURL, c.owner, c.name, commit)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", download, err)
	}
	req.Header.Set("User-Agent", "gitops-action")
	// The archive is compressed already; the client must neither ask for more nor undo any of it.
	req.Header.Set("Accept-Encoding", "identity")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", download, withoutURL(err))
	}
	if res.StatusCode != http.StatusOK {
		discard(res)
		return nil, &apiError{what: download, status: res.StatusCode, message: http.StatusText(res.StatusCode)}
	}
	return res.Body, nil
}

var (
	errTooBig = errors.New("too large")
	errUnsafe = errors.New("unsafe path in the archive")
)

func readTarball(r io.Reader, w wanted) (*snapshot, error) {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	limited := &io.LimitedReader{R: zr, N: maxTarball}
	tr := tar.NewReader(limited)
	snap := newSnapshot()
	kept := 0
	for {
		h, err := tr.Next()
		if limited.N <= 0 {
			return nil, fmt.Errorf("the archive is %w (more than %d GiB)", errTooBig, maxTarball>>30)
		}
		if errors.Is(err, io.EOF) {
			return snap, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
		_, name, nested := strings.Cut(h.Name, "/") // the first element is owner-name-commit
		if !nested || name == "" {
			continue
		}
		if h.Typeflag == tar.TypeSymlink {
			snap.tree[name] = treeFile{"120000", blobName([]byte(h.Linkname))}
		}
		if h.Typeflag != tar.TypeReg { // symbolic links are never followed, and never edited
			continue
		}
		if path.Clean(name) != name || path.IsAbs(name) || strings.HasPrefix(name, "../") || strings.ContainsRune(name, '\x00') {
			return nil, fmt.Errorf("%w: %q", errUnsafe, name)
		}
		if kept, err = snap.hashed(tr, h, name, w, kept); err != nil {
			return nil, err
		}
	}
}

// hashed keeps a file that is wanted, and the name of its contents in any case.
func (s *snapshot) hashed(tr io.Reader, h *tar.Header, name string, w wanted, kept int) (int, error) {
	blob := newBlobHash(h.Size)
	tee := io.TeeReader(tr, blob)
	kept, err := s.keep(tee, h, name, w, kept)
	if err == nil {
		_, err = io.Copy(io.Discard, tee)
	}
	s.tree[name] = treeFile{fileMode(h), hex.EncodeToString(blob.Sum(nil))}
	return kept, err
}

func fileMode(h *tar.Header) string {
	if h.Mode&0o100 != 0 {
		return "100755"
	}
	return "100644"
}

func (s *snapshot) keep(tr io.Reader, h *tar.Header, name string, w wanted, kept int) (int, error) {
	attributes := path.Base(name) == ".gitattributes"
	if w.mayExplain(name) && h.Size <= maxContextFile {
		data, err := io.ReadAll(tr)
		if err != nil {
			return kept, fmt.Errorf("read %s from the archive: %w", name, err)
		}
		s.addContext(name, data)
		return kept, nil
	}
	if !attributes && !w.has(name) {
		return kept, nil
	}
	if h.Size > maxFile {
		s.skipped = append(s.skipped, name)
		return kept, nil
	}
	data, err := io.ReadAll(tr)
	if err != nil {
		return kept, fmt.Errorf("read %s from the archive: %w", name, err)
	}
	if attributes {
		s.rewritten = s.rewritten || convertsBytes(data)
		return kept, nil
	}
	if kept += len(data); kept > maxKept {
		return kept, fmt.Errorf("the YAML of the repository is %w (more than %d MiB); use the paths input", errTooBig, maxKept>>20)
	}
	s.add(name, fileMode(h), data)
	return kept, nil
}

// convertsBytes says whether .gitattributes asks for something that git archive applies to contents.
func convertsBytes(data []byte) bool {
	for _, word := range []string{"export-subst", "eol=", "working-tree-encoding", "ident", "filter=", "crlf"} {
		if bytes.Contains(data, []byte(word)) {
			return true
		}
	}
	return false
}

// checkBytes makes sure that the files to be edited are byte for byte what Git stores.
func (c *client) checkBytes(ctx context.Context, snap *snapshot, paths []string) error {
	if !snap.rewritten || len(paths) == 0 {
		return nil
	}
	stored, err := c.blobNames(ctx, snap.commit, paths)
	if err != nil {
		return err
	}
	for i, p := range paths {
		data, ok := snap.data(p)
		if !ok && stored[i] != "" || ok && stored[i] != blobName(data) {
			return hint.With(fmt.Errorf("%s: Git stores other bytes than GitHub's archive has", p), "a .gitattributes rule (eol, export-subst, ident or filter) rewrites the file; remove the rule for it")
		}
	}
	return nil
}

// newBlobHash makes Git's name for so many bytes that are written to it.
func newBlobHash(size int64) hash.Hash {
	h := sha1.New() //nolint:gosec // see the import
	fmt.Fprintf(h, "blob %d\x00", size)
	return h
}

// blobName is Git's name for a file with these bytes.
func blobName(data []byte) string {
	h := newBlobHash(int64(len(data)))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}
