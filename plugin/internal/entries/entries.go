// Package entries finds what of a config repository is rendered by itself: every gitops.yaml or, where there is none,
// every kustomization that no other one uses, every chart and every directory of plain manifests.
//
// It looks at names, and into kustomizations and charts for what they use. It does NOT render, and does not say whether an
// entry is right: that is for who renders it.
package entries

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Kind is what an entry is.
type Kind string

// The kinds of entries.
const (
	List      Kind = "list"      // a gitops.yaml
	Kustomize Kind = "kustomize" // a kustomization
	Chart     Kind = "chart"     // a Helm chart
	Plain     Kind = "plain"     // manifests, those of directories below included
)

// Entry is one directory that is rendered by itself. Values is a file of values for one environment, beside those of the
// chart; a chart is an entry without and with each of them.
type Entry struct {
	Dir    string // slash path from the root
	Kind   Kind
	Values string
}

// Name tells the entry from the others of a repository.
func (e Entry) Name() string {
	switch {
	case e.Values != "":
		return e.Dir + " with " + e.Values
	case e.Dir == ".":
		return "repository"
	}
	return e.Dir
}

const (
	maxFile  = 1 << 20 // bytes of a file that is looked into
	maxNames = 200_000 // files and directories
)

// ErrTooLarge says that a repository has more files than can be looked through.
var ErrTooLarge = fmt.Errorf("more than %d files and directories", maxNames)

// Find returns the entries in dir and below, sorted. Names that begin with a dot are skipped, symbolic links to directories
// are not followed. Where there is a gitops.yaml, nothing but these are entries.
func Find(files fs.FS, dir string) ([]Entry, error) {
	s := &scan{files: files, dirs: map[string]*directory{}, used: map[string]bool{}}
	if err := s.walk(dir); err != nil {
		return nil, err
	}
	var lists, others []Entry
	for _, name := range s.names() {
		d := s.dirs[name]
		switch {
		case d.list:
			lists = append(lists, Entry{Dir: name, Kind: List})
		case s.inside(name): // of a chart
		case d.kustomization != "":
			if !s.used[name] && !d.component {
				others = append(others, Entry{Dir: name, Kind: Kustomize})
			}
		case d.chart:
			if !s.used[name] && !d.library {
				others = append(others, Entry{Dir: name, Kind: Chart})
				for _, values := range d.values {
					others = append(others, Entry{Dir: name, Kind: Chart, Values: values})
				}
			}
		}
	}
	if len(lists) > 0 {
		return lists, nil
	}
	others = append(others, s.plain()...)
	slices.SortFunc(others, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Dir, b.Dir), strings.Compare(a.Values, b.Values))
	})
	return others, nil
}

// Both are the entries of two states of a repository: those of either. Where one of them has a gitops.yaml, these count.
func Both(a, b []Entry) []Entry {
	all := slices.Clone(a)
	for _, e := range b {
		if !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	if slices.ContainsFunc(all, Entry.isList) {
		all = slices.DeleteFunc(all, func(e Entry) bool { return !e.isList() })
	}
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Dir, b.Dir), strings.Compare(a.Values, b.Values))
	})
	return all
}

func (e Entry) isList() bool { return e.Kind == List }

// directory is what lies directly in one directory.
type directory struct {
	list          bool
	kustomization string // its file
	component     bool
	chart         bool
	library       bool
	values        []string // of environments, beside those of the chart
	manifests     []string // files that hold objects
}

// scan is a walk over a repository.
type scan struct {
	files fs.FS
	seen  int
	dirs  map[string]*directory
	used  map[string]bool // files and directories that a kustomization or a chart names
}

func (s *scan) names() []string {
	var names []string
	for name := range s.dirs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *scan) walk(top string) error {
	return fs.WalkDir(s.files, top, func(name string, d fs.DirEntry, err error) error {
		if s.seen++; s.seen > maxNames {
			return ErrTooLarge
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == top:
			return fs.SkipAll
		case err != nil:
			return err
		case name != top && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			s.dirs[name] = &directory{}
			return nil
		}
		s.file(s.dirs[path.Dir(name)], name)
		return nil
	})
}

// file notes what a file makes of its directory.
func (s *scan) file(d *directory, name string) {
	base := path.Base(name)
	switch {
	case d == nil:
	case base == "gitops.yaml":
		d.list = !isObject(s.read(name)) || isOurs(s.read(name))
		if !d.list {
			d.manifests = append(d.manifests, name)
		}
	case base == "kustomization.yaml", base == "kustomization.yml", base == "Kustomization":
		d.kustomization = name
		d.component = s.kustomization(path.Dir(name), s.read(name))
	case base == "Chart.yaml":
		d.chart = true
		d.library = s.chart(path.Dir(name), s.read(name))
	case isValues(base):
		d.values = append(d.values, base)
	case isManifest(base) && isObject(s.read(name)) && !isOurs(s.read(name)):
		d.manifests = append(d.manifests, name)
	}
}

// isValues tells the values of one environment: values-prod.yaml, values.prod.yaml, values_prod.yml.
func isValues(base string) bool {
	rest, ok := strings.CutPrefix(base, "values")
	return ok && len(rest) > len(".yaml") && strings.ContainsAny(rest[:1], "-._") && (path.Ext(rest) == ".yaml" || path.Ext(rest) == ".yml")
}

func isManifest(base string) bool {
	ext := path.Ext(base)
	return ext == ".yaml" || ext == ".yml" || ext == ".json"
}

// inside tells whether a directory lies in a chart: its templates, and charts that it holds.
func (s *scan) inside(name string) bool {
	for name != "." && name != "/" {
		name = path.Dir(name)
		if d := s.dirs[name]; d != nil && d.chart {
			return true
		}
	}
	return false
}

// special tells whether a directory, or one above, is a kustomization or a chart: what lies there is theirs.
func (s *scan) special(name string) bool {
	for ; ; name = path.Dir(name) {
		if d := s.dirs[name]; d != nil && (d.chart || d.kustomization != "") {
			return true
		}
		if name == "." || name == "/" {
			return false
		}
	}
}

// plain are the topmost directories that hold manifests, and neither kustomizations nor charts at any depth. A file that
// a kustomization uses does not make a directory one.
func (s *scan) plain() []Entry {
	mixed := map[string]bool{} // a kustomization or a chart lies below
	for name, d := range s.dirs {
		if d.chart || d.kustomization != "" {
			for up := name; up != "." && up != "/"; {
				up = path.Dir(up)
				mixed[up] = true
			}
		}
	}
	var out []Entry
	for _, name := range s.names() { // parents come first
		own := slices.ContainsFunc(s.dirs[name].manifests, func(f string) bool { return !s.used[f] })
		if !own || s.special(name) || mixed[name] || slices.ContainsFunc(out, func(e Entry) bool { return within(name, e.Dir) }) {
			continue
		}
		out = append(out, Entry{Dir: name, Kind: Plain})
	}
	return out
}

func within(name, dir string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
}
