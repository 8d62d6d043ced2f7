package bumper

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// tree is the files of one call, sorted by path, and what is known about each.
type tree struct {
	files []File
	// context is set for a file that is only read to understand the others.
	context []bool
	scans   []*scanned // nil for a file that was not parsed
	table   *policyTable
	// overlays is made when it is needed.
	overlays *overlays
}

// scanned is a parsed file, or the reason why it could not be parsed.
type scanned struct {
	*finder
	file    File
	context bool
	err     error
	// offset is where the file stops being UTF-8, -1 if it does not.
	offset int
}

func newTree(files, context []File) (*tree, error) {
	t := &tree{files: slices.Clone(files), table: newPolicyTable()}
	edited := make(map[string]bool, len(files))
	for _, f := range files {
		if edited[f.Path] {
			return nil, fmt.Errorf("file %s is there twice", f.Path)
		}
		edited[f.Path] = true
	}
	for _, f := range context {
		if _, known := edited[f.Path]; !known {
			edited[f.Path] = false
			t.files = append(t.files, f)
		}
	}
	slices.SortFunc(t.files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	t.scans, t.context = make([]*scanned, len(t.files)), make([]bool, len(t.files))
	for i, f := range t.files {
		t.context[i] = !edited[f.Path]
	}
	return t, nil
}

// overlays finds tags in files that do not name the image: in values.yaml stands the repository, in values-prod.yaml the tag. The
// fields of the file with the tag are laid over those of the defaults, as Helm does, and what the shapes recognise in the sum is a
// reference whose tag is in the one file and whose name is in the other.
type overlays struct {
	tree   *tree
	places map[string]place // by file
	// families are the indexes of the files that belong together: those of one chart, those of one family, and those of one directory.
	families map[string][]int
	releases []int // the files with releases that patches may go over
	charts   map[string]bool
	index    map[string]int // by file
	installs []install
	versions map[int]bool
	used     map[string]bool // the files whose values were laid under others, or that say which are
	done     map[[2]*yaml.Node]bool
}

// install is what an object says of a chart of the same repository: its directory, the values files that go over its defaults, in
// order, and the values that go over those.
type install struct {
	in     *scanned
	chart  string
	files  []string
	values []*cursor // mappings
	dotted []*cursor // lists and mappings whose items have names like image.tag
}
