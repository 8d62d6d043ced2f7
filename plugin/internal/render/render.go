// Package render turns one directory of a checkout into Kubernetes objects, each with the file and line it comes
// from: plain YAML and JSON, Kustomize, or a Helm chart. It refuses, all at once, what must never reach a cluster.
//
// Dir does that in this process, Isolated in a child process with limits.
//
// It does NOT talk to a cluster or a network, run any program but its own, write a file, set namespaces or order objects, and it reads nothing outside the checkout: every byte comes through an
// os.Root.
package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Limits bound what one render may read and produce. A zero field means its default.
type Limits struct {
	FileBytes  int64 // one file; default 16 MiB
	TotalBytes int64 // all files together; default 128 MiB
	Objects    int   // rendered objects; default 20,000
	Depth      int   // directories below the path, values inside values, bases below bases; default 256

	// Of Isolated only.
	Memory int64         // bytes of memory of the child; default 1 GiB
	Time   time.Duration // default two minutes
}

const defaultMemoryBytes = 1 << 30

// DefaultTime is how long one render of Isolated may take unless Limits say otherwise.
const DefaultTime = 2 * time.Minute

func (l Limits) withDefaults() Limits {
	if l.FileBytes == 0 {
		l.FileBytes = 16 << 20
	}
	if l.TotalBytes == 0 {
		l.TotalBytes = 128 << 20
	}
	if l.Objects == 0 {
		l.Objects = 20_000
	}
	if l.Depth == 0 {
		l.Depth = 256
	}
	if l.Memory == 0 {
		l.Memory = defaultMemoryBytes
	}
	if l.Time == 0 {
		l.Time = DefaultTime
	}
	return l
}

// Options say what a render allows. The zero value is the strictest.
type Options struct {
	AllowPlainSecrets bool // accept Secrets whose values are readable in Git
	RemoteBases       bool // let Kustomize fetch bases from elsewhere; false refuses them before any request
	Limits            Limits
	Helm              *Helm // of a directory with a Chart.yaml; nil stands for the zero value
	Capabilities      Capabilities
	Archives          map[string][]byte // charts that others depend on, by chart.Need.Key
	AgeKeys           KeyFile           // decrypt what SOPS encrypted for them
	Keys              []string          `json:"-"`          // names of the files of keys that AgeKeys may hold; nil for all
	KeysHint          string            `json:",omitempty"` // what to do where AgeKeys does not decrypt; "" for what Dir says
	Substitute        *Substitute       // nil leaves ${NAME} as it is
	MayHold           []ObjectRule      `json:",omitempty"` // objects besides Secrets in which values of encrypted files and Secrets may stand
	EveryHook         bool              `json:",omitempty"` // charts: tests and rollbacks, which are never applied, too
	Layout            string            `json:",omitempty"` // LayoutFlux, or "" for what Dir says of directories without a kustomization

	// Fetched is told each chart that another depends on and that was fetched, before it is rendered. Its error refuses the
	// chart. It may be nil.
	Fetched func(Dependency) error `json:"-"`

	// Inputs is told what of the checkout a render that succeeded depends on, in paths from its root: files and
	// directories with all that is below them, and names at which nothing lies. None is told where these are too many.
	// Together with the other options they determine the objects. It may be nil.
	Inputs func(paths []string) `json:"-"`

	// Files is told every file that a render that succeeded has read, and the links on the way. It may be nil.
	Files     func(names []string) `json:"-"`
	ListFiles bool                 `json:",omitempty"` // set where Files is, so that the child sends them

	// Asked is told, by a render that succeeded, what the templates of a chart may ask Capabilities about, as chart.Chart.Asked
	// has it. It may be nil.
	Asked func(names []string) `json:"-"`

	progress func(file string) // told which file is rendered now; may be nil
	warning  func(text string) // told what is odd but no error; may be nil
}

func (o Options) warn(text string) {
	if o.warning != nil {
		o.warning(text)
	}
}

func (o Options) tellInputs(paths []string) {
	if o.Inputs != nil {
		o.Inputs(paths)
	}
}

func (o Options) tellFiles(t *tree) {
	if o.Files != nil && o.ListFiles {
		o.Files(slices.Sorted(maps.Keys(t.opened)))
	}
}

// ErrEmpty is the cause when a directory renders no objects.
var ErrEmpty = errors.New("renders no objects")

// renderer turns a directory into objects that are not checked yet. Refusals it finds on its way are collected in t.
type renderer func(ctx context.Context, t *tree, dir string, o Options) ([]Object, error)

// Dir renders the directory path (slash path inside root, "." for the root itself).
//
//   - kustomization.yaml, kustomization.yml or Kustomization: Kustomize, in its own order
//   - Chart.yaml: Helm, in the order of its install, CRDs first and hooks last
//   - otherwise every *.yaml, *.yml and *.json file below path, in path order. Names that begin with a dot are
//     skipped, and so is what the file .gitopsignore in path lists (patterns as in .gitignore)
//
// Problems found in the files are returned together as Problems; an error of any other type means that the directory
// could not be read. Nothing is cached between calls. Renders of kustomizations wait for each other, see kustomize.go.
func Dir(ctx context.Context, root *os.Root, path string, o Options) ([]Object, error) {
	o.Limits = o.Limits.withDefaults()
	t := newTree(root, o.Limits)
	t.mayHold = o.MayHold
	objects, err := t.dir(ctx, path, o)
	if err != nil {
		return nil, t.conceal(err, o)
	}
	o.tellInputs(t.dependsOn())
	o.tellFiles(t)
	return objects, nil
}

func (t *tree) dir(ctx context.Context, path string, o Options) ([]Object, error) {
	dir, err := t.directory(path)
	if err != nil {
		return nil, err
	}
	t.keysHint = o.KeysHint
	if t.identities, err = o.AgeKeys.identities(); err != nil {
		return nil, err
	}
	render, err := detect(t, dir, o.Layout)
	if err != nil {
		return nil, asProblems(err)
	}
	objects, err := render(ctx, t, dir, o)
	if err != nil {
		return nil, asProblems(err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.Substitute != nil {
		o.Substitute.apply(t, objects)
	}
	t.problems = append(t.problems, check(objects, o, t.valueLine)...)
	hidden := t.guard(objects, o)
	for i := range objects {
		objects[i].Sealed, objects[i].Hidden = false, hidden // the first one has served its purpose
	}
	if len(t.problems) > 0 {
		return nil, t.problems.Sorted()
	}
	if len(objects) == 0 {
		return nil, hint.With(fmt.Errorf("directory %q %w", dir, ErrEmpty),
			"an empty render would remove everything: check the path and .gitopsignore")
	}
	return objects, nil
}

var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

func isKustomizationName(name string) bool {
	return name == kustomizationNames[0] || name == kustomizationNames[1] || name == kustomizationNames[2]
}

// detect chooses the renderer of a directory by the files in it.
func detect(t *tree, dir, layout string) (renderer, error) {
	var found []string
	for _, name := range kustomizationNames {
		if t.exists(path.Join(dir, name)) {
			found = append(found, name)
		}
	}
	switch {
	case len(found) > 1:
		return nil, Problem{Origin: Origin{File: path.Join(dir, found[1])}, Message: "the directory also holds " + found[0],
			Hint: "keep one kustomization file per directory"}
	case len(found) == 1:
		return renderKustomize, nil
	case layout == LayoutFlux:
		return renderFlux, nil
	case t.exists(path.Join(dir, "Chart.yaml")):
		return renderHelm, nil
	}
	return renderPlain, nil
}

// directory checks the path given by the user and returns it clean, as it was spelled.
func (t *tree) directory(name string) (string, error) {
	clean := path.Clean(name)
	if name == "" || path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", hint.With(fmt.Errorf("path %q is not inside the repository", name), "give a path from the root of the repository")
	}
	real, err := t.resolve(clean)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return "", asProblems(t.absent(clean, t.missing(clean)))
	} else if err != nil {
		return "", fmt.Errorf("path %q: %w", name, asProblems(err))
	}
	info, err := t.root.Stat(real)
	if err != nil {
		return "", fmt.Errorf("path %q: %w", name, err)
	}
	if !info.IsDir() {
		wrong := hint.With(fmt.Errorf("path %q is a file, not a directory", name), "name the directory it is in: %s", path.Dir(clean))
		return "", asProblems(t.absent(clean, wrong))
	}
	if t.isSubmodule(real) {
		return "", asProblems(t.whyAbsent(clean))
	}
	return clean, nil
}
