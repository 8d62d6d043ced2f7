package gitopsyaml

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/near"
)

// directory is one directory that an entry stands for, and the name of its app.
type directory struct{ name, path string }

// directories returns what the path of an entry stands for: itself, or with wildcards every directory that matches,
// sorted. Names that begin with a dot match only a pattern that does.
//
// An app of an entry with wildcards is called by the elements of its path that wildcards matched, joined by dashes,
// behind the entry's name if it has one: apps/*/overlays/prod gives shop for apps/shop/overlays/prod, and with the name
// prod prod-shop. Capital letters, dots and underscores become small letters and dashes.
func (l *loader) directories(place string, e Entry) []directory {
	at := join(place, "path")
	elsewhere := e.Chart != nil || len(e.Sources) > 0 || e.Source != nil
	clean := path.Clean(strings.ReplaceAll(e.Path, "\\", "/"))
	switch {
	case e.Path == "" && e.Name == "" && elsewhere:
		l.at(place, "", "the app has no name")
		return nil
	case e.Path == "" && e.Source != nil:
		return []directory{{e.Name, "."}}
	case e.Path == "" && elsewhere:
		return []directory{{e.Name, ""}}
	case e.Path == "":
		return nil // told by checkPlaces
	case strings.Contains(e.Path, "\\"):
		l.at(at, "write / between directories", "path %q holds a backslash", e.Path)
		return nil
	case path.IsAbs(clean), clean == "..", strings.HasPrefix(clean, "../"):
		l.at(at, "give a directory from the repository's root", "path %s leaves the repository", e.Path)
		return nil
	case strings.Contains(clean, "**"):
		l.at(at, "* matches inside one element of the path: write one for each level", "path %s: ** is not known", e.Path)
		return nil
	}
	if strings.ContainsAny(clean, "*?[") && e.Source != nil {
		l.at(at, "list its directories one by one", "path %s: wildcards match only directories of this repository", e.Path)
		return nil
	}
	if !strings.ContainsAny(clean, "*?[") {
		if l.tree != nil && e.Source == nil && !isDirectory(l.tree, clean) {
			l.at(at, l.near(clean), "path %s is not a directory of the repository", e.Path)
		}
		if e.Name == "" {
			l.at(place, "", "the app has no name")
			return nil
		}
		return []directory{{e.Name, clean}}
	}
	l.places[place] = true
	found := []directory{{e.Name, "."}}
	for element := range strings.SplitSeq(clean, "/") {
		if _, err := path.Match(element, ""); err != nil {
			l.at(at, "", "path %s: %q is not a pattern", e.Path, element)
			return nil
		}
		if l.tree == nil {
			return nil
		}
		found = expand(l.tree, found, element)
	}
	if len(found) > maxDirectories {
		l.at(at, "do symbolic links lead in a circle?", "path %s matches more than %d directories", e.Path, maxDirectories)
		return nil
	}
	if len(found) == 0 {
		l.at(at, l.near(clean), "path %s matches no directory", e.Path)
	}
	for _, d := range found {
		if problem := badName(d.name); problem != "" {
			l.at(at, "rename the directory, or list it with a name of its own", "path %s matches %s, and %q cannot be the name of an app: %s", e.Path, d.path, d.name, problem)
		}
	}
	return found
}

// maxDirectories bounds what wildcards match: symbolic links to directories above make it endless.
const maxDirectories = 2_000

// expand goes one element of a pattern further, and stops when that is too much.
func expand(root *os.Root, from []directory, pattern string) []directory {
	var out []directory
	for _, d := range from {
		if len(out) > maxDirectories {
			break
		}
		if !strings.ContainsAny(pattern, "*?[") {
			if next := path.Join(d.path, pattern); isDirectory(root, next) {
				out = append(out, directory{d.name, next})
			}
			continue
		}
		for _, entry := range subdirectories(root, d.path) {
			ok, _ := path.Match(pattern, entry) // the pattern is valid
			if ok && (entry[0] != '.' || pattern[0] == '.') {
				out = append(out, directory{strings.TrimPrefix(d.name+"-"+label(entry), "-"), path.Join(d.path, entry)})
			}
		}
	}
	return out
}

// label makes the name of a directory fit into the name of an app.
func label(name string) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(strings.ToLower(name))
}

func isDirectory(root *os.Root, name string) bool {
	info, err := root.Stat(name)
	return err == nil && info.IsDir()
}

func subdirectories(root *os.Root, name string) []string {
	entries, err := fs.ReadDir(root.FS(), name)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if isDirectory(root, path.Join(name, e.Name())) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

// near says which directories there are where a path begins to be wrong.
func (l *loader) near(name string) string {
	parent := "."
	for element := range strings.SplitSeq(name, "/") {
		next := path.Join(parent, element)
		if !isDirectory(l.tree, next) {
			there := subdirectories(l.tree, parent)
			there = slices.DeleteFunc(there, func(s string) bool { return s[0] == '.' })
			if strings.ContainsAny(element, "*?[") {
				element = ""
			}
			place := parent
			if parent == "." {
				place = "the repository root"
			}
			if text := near.DidYouMean(element, there); text != "" {
				return strings.Replace(text, "one of:", fmt.Sprintf("directories of %s:", place), 1)
			}
			if len(there) == 0 {
				return place + " has no directories"
			}
			return fmt.Sprintf("%s has %d directories, and none has such a name", place, len(there))
		}
		parent = next
	}
	return ""
}
