package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// renderPlain reads every manifest below dir.
func renderPlain(ctx context.Context, t *tree, dir string, o Options) ([]Object, error) {
	ignore, err := t.readIgnore(dir)
	if err != nil {
		return nil, err
	}
	w := &walker{tree: t, ctx: ctx, options: o, top: dir, ignore: ignore}
	if err := w.directory(dir, nil); err != nil {
		return nil, err
	}
	if err := w.appLists(); err != nil {
		return nil, err
	}
	slices.Sort(w.files) // path order of the whole: "a-b.yaml" comes before "a/x.yaml"
	var objects []Object
	for names := range slices.Chunk(w.files, decodedAtOnce) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		files, err := t.readPlain(names)
		if err != nil {
			return nil, err
		}
		t.decodePlain(files)
		for _, f := range files {
			t.problems = append(t.problems, f.problems...)
			if objects = append(objects, f.objects...); len(objects) > o.Limits.Objects {
				return nil, fmt.Errorf("directory %q holds more than %d objects", dir, o.Limits.Objects)
			}
		}
	}
	objects = slices.DeleteFunc(objects, isForPushHalf)
	return slices.DeleteFunc(objects, t.refuseAppList), nil
}

// decodedAtOnce bounds how many files are decoded before their objects are counted.
const decodedAtOnce = 64

// plainFile is a file on its way to objects.
type plainFile struct {
	name     string
	data     []byte
	objects  []Object
	problems Problems
}

// readPlain reads files; what is wrong with one is noted.
func (t *tree) readPlain(names []string) ([]*plainFile, error) {
	var files []*plainFile
	for _, name := range names {
		data, err := t.readFile(name)
		if err == nil {
			files = append(files, &plainFile{name: name, data: data})
		} else if err = t.refuse(err); err != nil {
			return nil, fmt.Errorf("%s: %w", Origin{File: name}, err)
		}
	}
	return files, nil
}

// decodePlain decodes files side by side, and those that may be encrypted one after the other.
func (t *tree) decodePlain(files []*plainFile) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, f := range files {
		if mayBeEncrypted(f.data) {
			f.objects, f.problems = t.manifests(f.name, f.data)
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f.objects, f.problems = decodeFile(f.name, f.data, t.limits)
		})
	}
	wg.Wait()
}

// ourFiles begins the apiVersion of files in the repository that are ours; no cluster serves them.
const ourFiles = "kubectl-gitops.dev/"

// isForPushHalf recognises promotion.yaml and the holds, which only the push half reads. They may lie beside the
// manifests of an app at the repository's root.
func isForPushHalf(o Object) bool {
	return strings.HasPrefix(o.GetAPIVersion(), ourFiles) && (o.GetKind() == "Promotion" || o.GetKind() == "Holds")
}

// isAppList recognises a gitops.yaml, the list of apps.
func isAppList(o Object) bool {
	return o.GetKind() == "GitOps" && strings.HasPrefix(o.GetAPIVersion(), ourFiles)
}

// refuseAppList refuses a list of apps in a file of another name.
func (t *tree) refuseAppList(o Object) bool {
	if !isAppList(o) {
		return false
	}
	t.problems = append(t.problems, Problem{Origin: o.Origin, Object: o.ID(), Message: "a list of apps has to be in a file called gitops.yaml",
		Hint: "rename the file and name its directory with --path, or list the file in " + ignoreFile})
	return true
}

// appLists refuses a directory that has lists of apps in it, and says where they are. Leaving out their settings without
// a word would be worse than not starting, and everything else that is wrong here follows from reading apps as manifests.
func (w *walker) appLists() error {
	var in []string
	for _, name := range w.files {
		if base := path.Base(name); base != "gitops.yaml" && base != "gitops.yml" {
			continue
		}
		data, err := w.readFile(name)
		if err != nil {
			continue // it is told below
		}
		if objects, _ := decodeFile(name, data, w.limits); slices.ContainsFunc(objects, isAppList) {
			in = append(in, path.Dir(name))
		}
	}
	if len(in) == 0 {
		return nil
	}
	slices.Sort(in)
	in = slices.Compact(in)
	places := strings.Join(in[:min(len(in), mostNamed)], ", ")
	if more := len(in) - mostNamed; more > 0 {
		places += fmt.Sprintf(" and %d more directories", more)
	}
	w.problems = nil
	return hint.Errorf(fmt.Sprintf("gitops.yaml is in %s: use --path", places),
		"gitops.yaml is used only in the directory that --path names, for example --path %s; or list the file in %s, if it is not to be read", in[0], path.Join(w.top, ignoreFile))
}

// mostNamed is how many directories an error names.
const mostNamed = 8

type walker struct {
	*tree
	ctx     context.Context
	options Options
	top     string
	ignore  gitignore.Matcher
	files   []string
}

// directory collects the manifests of dir. above holds the resolved directories it lies in, so that links cannot
// make a circle.
func (w *walker) directory(dir string, above []string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	real, err := w.resolve(dir)
	if err != nil {
		return w.refuse(err)
	}
	if dir != w.top && w.isSubmodule(real) {
		w.options.warn(fmt.Sprintf("%s is a submodule, and is not read", Origin{File: dir}))
		return nil
	}
	if slices.Contains(above, real) {
		return w.refuse(Problem{Origin: Origin{File: dir}, Message: fmt.Sprintf("symbolic link leads back to %q, which contains it", real),
			Hint: "remove the link, or list it in " + ignoreFile})
	}
	if len(above) >= w.limits.Depth {
		return w.refuse(Problem{Origin: Origin{File: dir}, Message: fmt.Sprintf("more than %d directories deep", w.limits.Depth)})
	}
	list, err := w.entries(real)
	if err != nil {
		return fmt.Errorf("directory %q: %w", dir, err)
	}
	for _, entry := range list {
		if name := path.Join(dir, entry.Name()); notPlain(entry.Name()) && !w.ignored(name, false) {
			return w.refuse(w.mixed(name))
		}
	}
	above = append(slices.Clip(above), real)
	for _, entry := range list {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if err := w.entry(path.Join(dir, entry.Name()), entry, above); err != nil {
			return err
		}
	}
	return nil
}

func notPlain(name string) bool { return isKustomizationName(name) || name == "Chart.yaml" }

// mixed refuses a kustomization or a chart below a directory that is read as plain YAML. Its files would be applied
// unpatched as they lie there; which of them to render is for its owner to say.
func (w *walker) mixed(name string) Problem {
	what := "kustomization"
	if path.Base(name) == "Chart.yaml" {
		what = "Helm chart"
	}
	p := Problem{Origin: Origin{File: name}, Message: fmt.Sprintf("a %s below %q, which is rendered as plain YAML", what, w.top),
		Hint: fmt.Sprintf("point at its directory, or add a kustomization.yaml to %q that lists what belongs to it, or list the directory in %s", w.top, ignoreFile)}
	if what == "kustomization" {
		p.Hint += fmt.Sprintf("; in a repository of Flux, list %q as an app of gitops.yaml with `layout: flux`", w.top)
	}
	return p
}

func (w *walker) entry(name string, entry fs.DirEntry, above []string) error {
	isDir := entry.IsDir()
	if w.ignored(name, isDir) {
		return nil
	}
	if entry.Type()&fs.ModeSymlink != 0 {
		real, err := w.resolve(name)
		if errors.Is(err, fs.ErrNotExist) {
			err = Problem{Origin: Origin{File: name}, Message: "symbolic link leads to nothing", Hint: "remove the link"}
		}
		if err != nil {
			return w.refuse(err)
		}
		info, err := w.root.Lstat(real)
		if err != nil {
			return err
		}
		if isDir = info.IsDir(); isDir && w.ignored(name, true) {
			return nil
		}
	}
	switch base := path.Base(name); {
	case isDir:
		return w.directory(name, above)
	case isManifestName(base):
		w.files = append(w.files, name)
	}
	return nil
}

func isManifestName(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

func (w *walker) ignored(name string, isDir bool) bool {
	if w.top != "." {
		name = strings.TrimPrefix(name, w.top+"/")
	}
	return w.ignore.Match(strings.Split(name, "/"), isDir)
}

// readIgnore reads the .gitopsignore of dir; without one nothing is ignored.
func (t *tree) readIgnore(dir string) (gitignore.Matcher, error) {
	data, err := t.readFile(path.Join(dir, ignoreFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var patterns []gitignore.Pattern
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			patterns = append(patterns, gitignore.ParsePattern(line, nil))
		}
	}
	return gitignore.NewMatcher(patterns), nil
}
