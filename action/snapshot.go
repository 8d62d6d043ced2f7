package action

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// Bounds of what is read. The bytes are those after decompression.
const (
	maxFile = 8 << 20   // one YAML file
	maxKept = 512 << 20 // all YAML files together
)

// snapshot is the YAML of one commit, or of a checkout.
type snapshot struct {
	*github.Archive // of the commit; nil for a checkout

	files []bumper.File
	// context are files outside of the paths. They may name the images that tags in files belong to, and are never edited.
	context     []bumper.File
	contextSize int
	own         map[string][]byte // files that the action itself reads: promotion.yaml and the holds. They name no images to edit
	modes       map[string]string // path -> Git mode
	skipped     []string          // YAML too large to read
}

// wanted says whether a path is read at all.
type wanted struct {
	patterns []string
	extra    []string // files named by explicit edits
	only     bool     // nothing but extra
	explain  bool     // with only: what may explain the files as well
}

// ours says whether a file is one of those that the action itself reads.
func ours(p string) bool { return p == promotion.FilePath || p == promotion.HoldsPath }

func newSnapshot() *snapshot {
	return &snapshot{modes: map[string]string{}, own: map[string][]byte{}}
}

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

// mayExplain says whether a file outside of the paths is read, because it may name the image of a tag inside them: the defaults of a
// chart, the chart itself, or what installs it.
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

// everything returns all files that may name the image of a tag.
func (s *snapshot) everything() []bumper.File { return slices.Concat(s.files, s.context) }

// fetch downloads one commit and keeps its YAML. Nothing is written to disk.
func fetch(ctx context.Context, c *github.Client, commit string, w wanted) (*snapshot, error) {
	var snap *snapshot
	var err error
	whole, err := c.Fetch(ctx, commit, func() func(github.Entry) error {
		snap = newSnapshot()
		return snap.keeper(w)
	})
	if err != nil {
		return nil, err
	}
	snap.Archive = whole
	return snap, nil
}

// keeper returns a function that keeps the files that are wanted.
func (s *snapshot) keeper(w wanted) func(github.Entry) error {
	kept := 0
	return func(e github.Entry) error {
		explains := w.mayExplain(e.Name) && e.Size <= maxContextFile
		switch {
		case !explains && !w.has(e.Name):
			return nil
		case !explains && e.Size > maxFile:
			s.skipped = append(s.skipped, e.Name)
			return nil
		}
		data, err := e.Read()
		if err != nil {
			return err
		}
		if explains {
			s.addContext(e.Name, data)
			return nil
		}
		if kept += len(data); kept > maxKept {
			return fmt.Errorf("the YAML of the repository is %w (more than %d MiB); use the paths input", github.ErrTooBig, maxKept>>20)
		}
		s.add(e.Name, e.Mode, data)
		return nil
	}
}

// checkBytes fails unless the files to be edited are byte for byte what Git stores.
func checkBytes(ctx context.Context, c *github.Client, snap *snapshot, paths []string) error {
	if !snap.Rewritten || len(paths) == 0 {
		return nil
	}
	stored, err := c.BlobNames(ctx, snap.Commit, paths)
	if err != nil {
		return err
	}
	for i, p := range paths {
		data, ok := snap.data(p)
		if !ok && stored[i] != "" || ok && stored[i] != github.BlobName(data) {
			return hint.With(fmt.Errorf("%s: Git stores other bytes than GitHub's archive has", p), "a .gitattributes rule (eol, export-subst, ident or filter) rewrites the file; remove the rule for it")
		}
	}
	return nil
}

// promotion returns promotion.yaml, nil when there is none.
func (s *snapshot) promotion() (*promotion.File, error) {
	data, ok := s.own[promotion.FilePath]
	if !ok {
		return nil, nil
	}
	return promotion.Parse(data)
}

// holds returns the holds of a commit.
func (s *snapshot) holds() ([]promotion.Hold, error) {
	data, ok := s.own[promotion.HoldsPath]
	if !ok {
		return nil, nil
	}
	return promotion.ParseHolds(data)
}
