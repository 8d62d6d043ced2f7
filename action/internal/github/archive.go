package github

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
	"strings"
)

// maxTarball bounds the whole archive after decompression, and maxAttributes one .gitattributes of it.
const (
	maxTarball    = 4 << 30
	maxAttributes = 8 << 20
)

// Archive is what the archive of a commit says about the whole commit, whichever of its files were kept.
type Archive struct {
	Commit string
	// Rewritten is set when a .gitattributes names a conversion that makes an archive differ from Git's own bytes.
	Rewritten bool

	tree map[string]treeFile // every file
	root string              // the name of tree, once it is known
}

// Entry is one regular file of an archive, while the archive is read.
type Entry struct {
	Name, Mode string
	Size       int64
	from       io.Reader
}

// Read returns the contents. It works once, and only until the next entry.
func (e Entry) Read() ([]byte, error) {
	data, err := io.ReadAll(e.from)
	if err != nil {
		return nil, fmt.Errorf("read %s from the archive: %w", e.Name, err)
	}
	return data, nil
}

// Fetch downloads one commit as an archive and calls a function for every regular file of it but .gitattributes. When the
// download breaks, Fetch starts again: it calls begin before each attempt, and begin returns the function. An error of the
// function ends the attempt; ErrTooBig ends Fetch. Nothing is written to disk.
func (c *Client) Fetch(ctx context.Context, commit string, begin func() func(Entry) error) (*Archive, error) {
	var lastErr error
	for range 3 { // the stream can break after the headers, where the transport cannot help
		body, err := c.tarball(ctx, commit)
		if err != nil {
			return nil, err
		}
		read, err := ReadArchive(body, begin())
		_ = body.Close()
		if err == nil {
			read.Commit = commit
			return read, nil
		}
		lastErr = err
		if errors.Is(err, ErrTooBig) || errors.Is(err, errUnsafe) || ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("%s: %w", download, lastErr)
}

const download = "download the repository"

// tarball begins the download of one commit.
func (c *Client) tarball(ctx context.Context, commit string) (io.ReadCloser, error) {
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
		return nil, &Error{what: download, Status: res.StatusCode, message: http.StatusText(res.StatusCode)}
	}
	return res.Body, nil
}

var (
	// ErrTooBig means that an archive, or what is kept of it, is too large.
	ErrTooBig = errors.New("too large")
	errUnsafe = errors.New("unsafe path in the archive")
)

// ReadArchive reads a compressed archive and calls visit for every regular file of it but .gitattributes. It fails with
// errUnsafe when a path leads out of the archive, and with ErrTooBig when the archive is too large. Symbolic links are neither
// followed nor visited.
func ReadArchive(r io.Reader, visit func(Entry) error) (*Archive, error) {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	limited := &io.LimitedReader{R: zr, N: maxTarball}
	tr := tar.NewReader(limited)
	out := &Archive{tree: map[string]treeFile{}}
	for {
		h, err := tr.Next()
		if limited.N <= 0 {
			return nil, fmt.Errorf("the archive is %w (more than %d GiB)", ErrTooBig, maxTarball>>30)
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
		_, name, nested := strings.Cut(h.Name, "/") // the first element is owner-name-commit
		if !nested || name == "" {
			continue
		}
		if h.Typeflag == tar.TypeSymlink {
			out.tree[name] = treeFile{"120000", BlobName([]byte(h.Linkname))}
		}
		if h.Typeflag != tar.TypeReg { // symbolic links are never followed, and never edited
			continue
		}
		if path.Clean(name) != name || path.IsAbs(name) || strings.HasPrefix(name, "../") || strings.ContainsRune(name, '\x00') {
			return nil, fmt.Errorf("%w: %q", errUnsafe, name)
		}
		if err := out.add(tr, h, name, visit); err != nil {
			return nil, err
		}
	}
}

// add shows one file, and keeps the name of its contents.
func (a *Archive) add(tr io.Reader, h *tar.Header, name string, visit func(Entry) error) error {
	blob := newBlobHash(h.Size)
	e := Entry{Name: name, Mode: fileMode(h), Size: h.Size, from: io.TeeReader(tr, blob)}
	if path.Base(name) == ".gitattributes" {
		visit = a.attributes
	}
	err := visit(e)
	if err == nil {
		_, err = io.Copy(io.Discard, e.from)
	}
	a.tree[name] = treeFile{e.Mode, hex.EncodeToString(blob.Sum(nil))}
	return err
}

// attributes looks for conversions in a .gitattributes. One that is too large to read may hold some.
func (a *Archive) attributes(e Entry) error {
	if e.Size > maxAttributes {
		a.Rewritten = true
		return nil
	}
	data, err := e.Read()
	a.Rewritten = a.Rewritten || convertsBytes(data)
	return err
}

func fileMode(h *tar.Header) string {
	if h.Mode&0o100 != 0 {
		return "100755"
	}
	return "100644"
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

// newBlobHash returns a hash that becomes Git's name of the bytes that are written to it. size is how many there will be.
func newBlobHash(size int64) hash.Hash {
	h := sha1.New() //nolint:gosec // see the import
	fmt.Fprintf(h, "blob %d\x00", size)
	return h
}

// BlobName returns Git's name for a file with these bytes.
func BlobName(data []byte) string {
	h := newBlobHash(int64(len(data)))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}
