package chart

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
)

// Limits of charts that are unpacked from archives.
const (
	maxNested = 8     // archives within archives, and charts that file:// dependencies lead to, below each other
	maxCharts = 2_000 // a chart with all that it depends on
)

// Load makes a chart from its files. Subcharts are the directories and .tgz archives in charts/, and the dependencies that
// with finds. The error is a *MissingError when charts have to be fetched first, and an *Error when a file is wrong.
func Load(files []File, with Resolver) (*Chart, error) { return load(files, with, fromDirectory) }

// LoadArchive makes a chart from the files of an archive. What it depends on is in its charts/, as in Helm.
func LoadArchive(files []File) (*Chart, error) { return load(files, nil, inArchive) }

func load(files []File, with Resolver, from kept) (*Chart, error) {
	c := &Chart{at: map[*common.File]string{}}
	l := &loading{chart: c, with: with}
	root, err := l.load(files, 0, from)
	if err != nil {
		return nil, err
	}
	if len(l.missing.Needs) > 0 {
		return nil, &l.missing
	}
	c.root = root
	return c, nil
}

type loading struct {
	chart   *Chart
	with    Resolver
	bytes   int
	charts  int
	missing MissingError
	stack   []string // what messages call the Chart.yaml of each chart that is being loaded
}

// kept says where a chart comes from, and with that how its own dependencies are found.
type kept int

const (
	fromDirectory kept = iota // of the repository: named by the user, or by file://
	inCharts                  // a directory in charts/ of another
	inArchive                 // unpacked
)

// load makes a chart of its files. nested is how many archives it lies in.
func (l *loading) load(files []File, nested int, from kept) (*v2.Chart, error) {
	var own []*archive.BufferedFile
	at := map[string]string{}
	subcharts := map[string][]File{}
	if l.charts++; l.charts > maxCharts {
		return nil, &Error{File: l.chart.file, Message: fmt.Sprintf("the chart has more than %d subcharts", maxCharts)}
	}
	for _, f := range files {
		if l.bytes += len(f.Data); l.bytes > maxUnpacked {
			return nil, &Error{File: f.At, Message: fmt.Sprintf("the chart and its subcharts hold more than %d MiB", maxUnpacked>>20)}
		}
		inCharts, isSub := strings.CutPrefix(f.Name, "charts/")
		if !isSub || path.Ext(f.Name) == ".prov" {
			own = append(own, &archive.BufferedFile{Name: f.Name, Data: f.Data})
			at[f.Name] = f.At
			continue
		}
		name, rest, _ := strings.Cut(inCharts, "/")
		subcharts[name] = append(subcharts[name], File{Name: rest, At: f.At, Data: f.Data})
	}
	if err := refusePlaceholders(own, at); err != nil {
		return nil, err
	}
	c, err := loader.LoadFiles(own)
	if err != nil {
		return nil, loadError(files, at, err)
	}
	for _, list := range [][]*common.File{c.Templates, c.Files, c.Raw} {
		for _, f := range list {
			l.chart.at[f] = at[f.Name]
		}
	}
	l.notePlaceholders(c)
	if l.chart.file == "" {
		l.chart.file = at["Chart.yaml"]
	}
	for _, name := range slices.Sorted(maps.Keys(subcharts)) {
		if strings.IndexAny(name, "_.") == 0 {
			continue
		}
		sub, err := l.subchart(name, subcharts[name], nested, from)
		if err != nil {
			return nil, err
		}
		c.AddDependency(sub)
	}
	return c, l.resolve(c, files, from)
}

func (l *loading) subchart(name string, files []File, nested int, from kept) (*v2.Chart, error) {
	if files[0].Name != "" { // a directory
		return l.load(files, nested, max(from, inCharts))
	}
	if path.Ext(name) != ".tgz" {
		return nil, &Error{File: files[0].At, Message: "charts/ holds charts: this is neither a directory nor a .tgz archive",
			Hint: "move the file, or list it in .helmignore"}
	}
	if kind, found := placeholder.Of(files[0].Data); found {
		return nil, placeholderError(files[0].At, kind, "")
	}
	unpacked, err := Unpack(files[0].At, files[0].Data)
	if err != nil {
		return nil, err
	}
	if nested == maxNested {
		return nil, &Error{File: files[0].At, Message: fmt.Sprintf("archives are nested more than %d deep", maxNested)}
	}
	return l.load(unpacked, nested+1, inArchive)
}

// Unpack returns the files of a chart archive, a .tgz. at is the name of the archive in messages.
func Unpack(at string, data []byte) ([]File, error) {
	err := measure(data)
	var list []*archive.BufferedFile
	if err == nil {
		list, err = archive.LoadArchiveFiles(bytes.NewReader(data))
	}
	if err != nil {
		return nil, &Error{File: at, Message: "the archive cannot be read: " + oneLine(err.Error())}
	}
	files := make([]File, len(list))
	for i, f := range list {
		files[i] = File{Name: f.Name, At: at + "/" + f.Name, Data: f.Data}
	}
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return files, nil
}

// loadError says which file the loader's error is about.
func loadError(files []File, at map[string]string, err error) error {
	text := err.Error()
	for _, name := range []string{"Chart.yaml", "Chart.lock", "values.yaml", "requirements.yaml", "requirements.lock"} {
		if detail, ok := strings.CutPrefix(text, "cannot load "+name+": "); ok {
			return &Error{File: at[name], Message: "cannot be read: " + oneLine(detail)}
		}
	}
	if file, ok := at["Chart.yaml"]; ok {
		return &Error{File: file, Message: oneLine(strings.TrimPrefix(text, "validation: "))}
	}
	if len(files) > 0 {
		return &Error{File: path.Dir(files[0].At), Message: "the chart has no Chart.yaml"}
	}
	return errors.New("the chart has no files")
}
