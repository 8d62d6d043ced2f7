package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// local reads the refs and objects of a repository on this machine in place.
type local struct {
	dir     string
	objects *filesystem.Storage
}

func (l *local) close() { _ = l.objects.Close() }

// openLocal opens the repository whose top level, or bare directory, is dir.
func openLocal(dir string) (*local, error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: no such directory", safetext.Line(dir))
		if first, _, ok := strings.Cut(filepath.ToSlash(dir), "/"); ok && strings.Contains(strings.Trim(first, "."), ".") {
			return nil, hint.With(err, "did you mean https://%s?", safetext.Line(filepath.ToSlash(dir)))
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: not a directory", dir)
	}
	gitDir, err := findGitDir(dir)
	if err != nil {
		return nil, err
	}
	if gitDir == "" {
		return nil, notARepository(dir)
	}
	return openGitDir(dir, gitDir)
}

func notARepository(dir string) error {
	err := fmt.Errorf("%s: not a Git repository", dir)
	if root, findErr := topLevel(dir); findErr == nil && root != "" {
		sub := "."
		if real, evalErr := filepath.EvalSymlinks(dir); evalErr == nil {
			if rel, relErr := filepath.Rel(root, real); relErr == nil {
				sub = filepath.ToSlash(rel)
			}
		}
		return hint.With(err, "it is inside one: use --repo %s --path %s", root, sub)
	}
	return hint.With(err, "run git init and commit in it, or name the repository's top directory")
}

// findGitDir returns the directory that holds HEAD for the checkout or bare repository dir, "" when dir is neither.
func findGitDir(dir string) (string, error) {
	dotGit := filepath.Join(dir, ".git")
	info, err := os.Stat(dotGit)
	switch {
	case err == nil && info.IsDir():
		return dotGit, nil
	case err == nil:
		return readPointer(dotGit, "gitdir: ")
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return "", nil //nolint:nilerr // without these it is no bare repository
		}
	}
	return dir, nil
}

// readPointer reads the one-line files that lead a linked worktree to its repository.
func readPointer(file, prefix string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	target, ok := strings.CutPrefix(strings.TrimRight(string(data), "\r\n"), prefix)
	if !ok || target == "" || strings.ContainsAny(target, "\n\x00") {
		return "", fmt.Errorf("%s: not a pointer to a Git directory", file)
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(file), target)
	}
	return target, nil
}

func openGitDir(dir, gitDir string) (*local, error) {
	gitDir, err := filepath.EvalSymlinks(gitDir)
	if err != nil {
		return nil, hint.With(fmt.Errorf("%s: its Git directory: %w", dir, err), "run git worktree repair")
	}
	if gitDir, err = filepath.Abs(gitDir); err != nil {
		return nil, err
	}
	var tree billy.Filesystem = osfs.New(gitDir)
	if _, err := os.Stat(filepath.Join(gitDir, "commondir")); err == nil {
		common, err := readPointer(filepath.Join(gitDir, "commondir"), "")
		if err != nil {
			return nil, err
		}
		tree = dotgit.NewRepositoryFilesystem(tree, osfs.New(common))
	}
	s := filesystem.NewStorageWithOptions(tree, cache.NewObjectLRU(16*cache.MiByte), filesystem.Options{
		KeepDescriptors:      true,
		LargeObjectThreshold: 8 << 20,
		AlternatesFS:         osfs.New(filepath.VolumeName(gitDir) + string(filepath.Separator)),
	})
	l := &local{dir: dir, objects: s}
	if err := l.checkFormat(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// checkFormat refuses repositories go-git would misread.
func (l *local) checkFormat() error {
	config, err := l.objects.Config()
	if err != nil {
		return fmt.Errorf("%s: %w", l.dir, err)
	}
	extensions := config.Raw.Section("extensions")
	if format := extensions.Option("objectformat"); format != "" && format != "sha1" {
		return fmt.Errorf("%s: repositories with %s hashes are not supported", l.dir, safetext.Line(format))
	}
	if refs := extensions.Option("refstorage"); refs != "" && refs != "files" {
		return hint.With(fmt.Errorf("%s: repositories with %s ref storage are not supported", l.dir, safetext.Line(refs)),
			"run git refs migrate --ref-format=files")
	}
	return nil
}

// isPartial tells whether this is a partial clone (git clone --filter), which may lack what its remote has.
func (l *local) isPartial() bool {
	config, err := l.objects.Config()
	if err != nil {
		return false
	}
	if config.Raw.Section("extensions").Option("partialclone") != "" {
		return true
	}
	for _, remote := range config.Raw.Section("remote").Subsections {
		if remote.Option("promisor") == "true" {
			return true
		}
	}
	return false
}

// commitOf is the commit that a ref points at, by its full name.
func (l *local) commitOf(name string) (plumbing.Hash, bool) {
	found, err := storer.ResolveReference(l.objects, plumbing.ReferenceName(name))
	if err != nil {
		return plumbing.ZeroHash, false
	}
	commit, err := peel(l.objects, found.Hash())
	return commit, err == nil
}

// resolve finds ref and returns its full name and commit.
func (l *local) resolve(ref string) (string, plumbing.Hash, error) {
	if err := ambiguous(ref, l.commitOf); err != nil {
		return "", plumbing.ZeroHash, err
	}
	for _, name := range candidates(ref) {
		found, err := storer.ResolveReference(l.objects, plumbing.ReferenceName(name))
		if errors.Is(err, plumbing.ErrReferenceNotFound) {
			continue
		}
		if err != nil {
			return "", plumbing.ZeroHash, fmt.Errorf("ref %q: %w", ref, err)
		}
		commit, err := peel(l.objects, found.Hash())
		if err != nil {
			return "", plumbing.ZeroHash, fmt.Errorf("ref %q: %w", ref, err)
		}
		return name, commit, nil
	}
	names, err := l.names()
	switch {
	case err != nil:
		return "", plumbing.ZeroHash, err
	case len(names) == 0:
		return "", plumbing.ZeroHash, hint.Errorf("the repository is empty", "commit something first")
	case ref == "" || ref == "HEAD":
		return "", plumbing.ZeroHash, noHead(names)
	}
	return "", plumbing.ZeroHash, refNotFound(ref, names)
}

func (l *local) names() ([]string, error) {
	refs, err := l.objects.IterReferences()
	if err != nil {
		return nil, err
	}
	var names []string
	err = refs.ForEach(func(r *plumbing.Reference) error {
		if r.Type() == plumbing.HashReference && r.Name() != plumbing.HEAD {
			names = append(names, r.Name().String())
		}
		return nil
	})
	return names, err
}

// headBranch is the short name of the checked-out branch, "HEAD" when a commit is checked out.
func (l *local) headBranch() string {
	head, err := l.objects.Reference(plumbing.HEAD)
	if err != nil || head.Type() != plumbing.SymbolicReference {
		return "HEAD"
	}
	return head.Target().Short()
}

// WorkTree finds the checkout that contains dir. It returns its top level, an absolute path without symbolic links, and the
// commit that is checked out. It does not look at uncommitted changes. It fails when dir is in no checkout.
func WorkTree(dir string) (root string, rev source.Revision, err error) {
	root, err = topLevel(dir)
	if err != nil {
		return "", source.Revision{}, err
	}
	if root == "" {
		return "", source.Revision{}, hint.With(fmt.Errorf("%s: not inside a Git checkout", dir), "pass --repo, or change into a checkout")
	}
	l, err := openLocal(root)
	if err != nil {
		return "", source.Revision{}, err
	}
	defer l.close()
	_, commit, err := l.resolve("HEAD")
	if err != nil {
		return "", source.Revision{}, fmt.Errorf("%s: %w", root, err)
	}
	c, err := getCommit(l.objects, commit)
	if err != nil {
		return "", source.Revision{}, fmt.Errorf("%s: commit %s: %w", root, commit, err)
	}
	rev = describe(c)
	rev.Ref = l.headBranch()
	return root, rev, nil
}

// topLevel walks up from dir to the first directory with a .git, "" when there is none.
func topLevel(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", nil
		}
		dir = parent
	}
}
