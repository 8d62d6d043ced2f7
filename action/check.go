package action

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// sourceNames and sourceExtensions tell application source code: it belongs into the repository of the application, where
// its own pipeline builds an image of it. Scripts and dashboards are not in the list.
var (
	sourceNames = []string{"Dockerfile", "Containerfile", "go.mod", "package.json", "pom.xml", "build.gradle", "build.gradle.kts", "Cargo.toml",
		"requirements.txt", "pyproject.toml", "setup.py", "Gemfile", "composer.json", "mix.exs"}
	sourceExtensions = []string{".go", ".java", ".kt", ".scala", ".rs", ".c", ".cc", ".cpp", ".h", ".cs", ".csproj", ".ts", ".tsx", ".jsx", ".rb", ".php",
		".swift", ".ex", ".exs"}
	containerRE = regexp.MustCompile(`(^|\.)(containers|initContainers|ephemeralContainers)\[[0-9]+\]\.image$`)
)

// checkTree looks through the files of a directory. Nothing is rendered here.
func checkTree(root *os.Root, p checkPolicy) (found []Finding, scanned int, err error) {
	snap := newSnapshot()
	special := map[string]bool{} // directories that Kustomize or Helm renders
	named := map[string]bool{}   // files that a kustomization names
	var others []string          // files that are no YAML by their names
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), ".") && d.Name() != ".gitops":
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		base := path.Base(name)
		if base == "Chart.yaml" || strings.HasPrefix(strings.ToLower(base), "kustomization") {
			special[path.Dir(name)] = true
			if err := nameFiles(root, name, named); err != nil {
				return err
			}
		}
		if !glob.Match(p.paths, name) || len(p.ignore) > 0 && glob.Match(p.ignore, name) {
			return nil
		}
		if slices.Contains(sourceNames, base) || slices.Contains(sourceExtensions, path.Ext(name)) {
			found = append(found, Finding{File: name, Line: 1, Rule: "source-code", Message: "source code of an application belongs in the repository of the application"})
		}
		if !(wanted{}).has(name) {
			others = append(others, name)
			return nil
		}
		info, err := d.Info()
		if err != nil || info.Size() > maxFile {
			return err
		}
		data, err := root.ReadFile(name)
		snap.add(name, "", data)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read the files: %w", err)
	}
	rendered, err := readOthers(root, others, named)
	if err != nil {
		return nil, 0, fmt.Errorf("read the files: %w", err)
	}
	found = append(found, badObjects(root, slices.Concat(snap.files, rendered), p, special)...)
	plain := slices.DeleteFunc(slices.Clone(snap.files), func(f bumper.File) bool {
		return named[f.Path] || slices.Contains(strings.Split(path.Dir(f.Path), "/"), "patches") || underSpecial(path.Dir(f.Path), special)
	})
	found = append(found, duplicates(plain)...)
	found = append(found, floatingTags(snap.files, p)...)
	found = append(found, ownFiles(snap)...)
	return found, len(snap.files) + len(snap.own), nil
}

// ownFiles are errors in promotion.yaml and in the holds.
func ownFiles(s *snapshot) []Finding {
	var out []Finding
	_, promotionErr := s.promotion()
	_, holdsErr := s.holds()
	for file, err := range map[string]error{promotion.FilePath: promotionErr, promotion.HoldsPath: holdsErr} {
		if err == nil {
			continue
		}
		for line := range strings.Lines(err.Error()) {
			out = append(out, findingOf(file, "unreadable", strings.TrimSpace(line)))
		}
	}
	return out
}

// nameFiles adds the files that the kustomization in a file names: patches above all, wherever they lie. Whether those are objects,
// and how often, is for Kustomize to say.
func nameFiles(root *os.Root, name string, named map[string]bool) error {
	info, err := root.Stat(name)
	if err != nil || info.Size() > maxFile {
		return err
	}
	data, err := root.ReadFile(name)
	if err != nil {
		return err
	}
	scalars, err := bumper.Scalars(bumper.File{Path: name, Data: data})
	if err != nil {
		return nil // the renderer reports a kustomization that does not parse
	}
	for _, s := range scalars {
		file := s.Value
		if _, value, ok := strings.Cut(file, "="); ok { // files of a generator: key=file
			file = value
		}
		if file != "" && len(file) < 4096 && !strings.Contains(file, "\n") {
			named[path.Join(path.Dir(name), file)] = true
		}
	}
	return nil
}

// duplicates are objects that are in one directory twice. The files are those of plain directories that no kustomization names,
// because patches and templates look like objects. A document with a directive of a patch is no object either.
func duplicates(files []bumper.File) []Finding {
	first := map[string]string{}
	var out []Finding
	for _, f := range files {
		objects, err := bumper.Outline(f)
		if err != nil {
			continue // what does not parse is for the renderer to tell, which knows what is meant to be YAML
		}
		for _, o := range objects {
			if o.Patch {
				continue
			}
			key := path.Dir(f.Path) + "\x00" + o.String()
			here := fmt.Sprintf("%s:%d", f.Path, o.Line)
			if before, ok := first[key]; ok {
				out = append(out, Finding{File: f.Path, Line: o.Line, Rule: "duplicate", Message: o.String() + " is defined twice, first in " + before})
				continue
			}
			first[key] = here
		}
	}
	return out
}

func underSpecial(dir string, special map[string]bool) bool {
	for ; ; dir = path.Dir(dir) {
		if special[dir] {
			return true
		}
		if dir == "." || dir == "/" {
			return false
		}
	}
}

// floatingTags are versions that do not name one image: latest, and no tag at all where nothing else sets one.
func floatingTags(files []bumper.File, p checkPolicy) []Finding {
	if p.floating == "off" {
		return nil
	}
	refs, err := bumper.Find(files)
	if err != nil {
		return nil
	}
	set := map[string]bool{}
	for _, r := range refs {
		if r.Shape == bumper.ShapeKustomize && r.Image.Tag+r.Image.Digest != "" && r.Image.Tag != "latest" {
			set[r.Image.Normalised()] = true
		}
	}
	var out []Finding
	for _, r := range refs {
		overridden := set[r.Image.Normalised()] && r.Shape != bumper.ShapeKustomize
		if r.Image.Digest != "" || overridden {
			continue
		}
		f := Finding{File: r.File, Line: r.Line, Rule: "floating-tag", Warning: p.floating == "warning"}
		switch {
		case r.Image.Tag == "latest":
			f.Message = r.Image.String() + ": latest can change at any time"
		case r.Image.Tag == "" && containerRE.MatchString(r.Path):
			f.Message = r.Image.Name + " has no tag, which means latest"
		default:
			continue
		}
		out = append(out, f)
	}
	return out
}

// checkRepository checks a pull request, or the whole branch when there is none. Of a pull request only what it adds
// counts.
func (r look) checkRepository(ctx context.Context) (Result, error) {
	p := checkPolicy{paths: r.in.Paths, ignore: r.in.Ignore, floating: r.in.FloatingTags, plainSecrets: r.in.AllowPlainSecrets}
	s, err := r.sides(ctx)
	if err != nil {
		return Result{}, err
	}
	where := "the pull request adds"
	if s == nil {
		st, err := r.client.ReadState(ctx, r.in.Ref, "", false)
		if err != nil {
			return Result{}, err
		}
		s, where = &sides{head: st.Base.Target.OID}, st.Base.Name+" has"
	}
	res := Result{PullOperation: "none", Number: s.number}
	if p.renderer, err = rendererPath(r.in.RendererPath, r.rep.s.Getenv); errors.Is(err, errNoRenderer) {
		res.Notes = append(res.Notes, "apps were not rendered: "+errNoRenderer.Error()+"; put it on PATH, or name it with kubectl-gitops-path")
	} else if err != nil {
		return Result{}, err
	}
	dir, remove, err := r.unpackSides(ctx, s)
	if err != nil {
		return Result{}, err
	}
	defer remove()
	var notRendered []string
	if res.Findings, notRendered, res.Plan.Scanned, err = checkSides(ctx, p, dir); err != nil {
		return Result{}, err
	}
	res.Notes = append(res.Notes, notRenderedNotes(notRendered)...)
	res.Line = fmt.Sprintf("✓ no problems found in %s", display.Count(res.Plan.Scanned, "file"))
	if n := len(res.Findings); n > 0 {
		res.Line = fmt.Sprintf("%s %s", where, display.Count(n, "problem"))
	}
	return res, nil
}

// notRenderedNotes name changed files that no app is rendered from.
func notRenderedNotes(names []string) []string {
	const most = 20
	var notes []string
	for _, name := range names[:min(len(names), most)] {
		notes = append(notes, "changed, and no app is rendered from it: "+name)
	}
	if more := len(names) - most; more > 0 {
		notes = append(notes, fmt.Sprintf("changed, and no app is rendered from them: %d more files", more))
	}
	return notes
}

// checkSides checks dir/head, and leaves out what dir/base has too. notRendered are as checkRendering returns them.
func checkSides(ctx context.Context, p checkPolicy, dir string) (found []Finding, notRendered []string, scanned int, err error) {
	found, scanned, err = checkDirectory(filepath.Join(dir, "head"), p)
	if err != nil {
		return nil, nil, 0, err
	}
	old, _, err := checkDirectory(filepath.Join(dir, "base"), p)
	if err != nil {
		return nil, nil, 0, err
	}
	key := func(f Finding) Finding { f.Line = 0; return f }
	found = slices.DeleteFunc(found, func(f Finding) bool {
		return slices.ContainsFunc(old, func(o Finding) bool { return key(o) == key(f) })
	})
	if p.renderer != "" {
		more, unread, err := checkRendering(ctx, p, dir)
		if err != nil {
			return nil, nil, 0, err
		}
		found, notRendered = append(found, more...), unread
	}
	sortFindings(found)
	return found, notRendered, scanned, nil
}

func checkDirectory(dir string, p checkPolicy) ([]Finding, int, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, 0, fmt.Errorf("open the files: %w", err)
	}
	defer root.Close()
	return checkTree(root, p)
}
