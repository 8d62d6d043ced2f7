package render

import (
	"errors"
	"path"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

// resolver finds the dependencies of a chart: directories of the checkout, and archives that were fetched before.
type resolver struct{ *helmRender }

// Local implements chart.Resolver.
func (r resolver) Local(file, name string) ([]chart.File, error) {
	full := path.Join(path.Dir(file), name)
	if path.IsAbs(name) || full == ".." || strings.HasPrefix(full, "../") {
		return nil, &chart.Error{File: file, Message: "dependency file://" + name + " leaves the repository",
			Hint: "only files of the repository are read"}
	}
	if !r.isDir(full) || r.isEmptyModule(full) {
		var why Problem
		if errors.As(r.whyAbsent(path.Join(full, "Chart.yaml")), &why) {
			return nil, &chart.Error{File: file, Message: "dependency file://" + name + " " + why.Message, Hint: why.Hint}
		}
		return nil, &chart.Error{File: file, Message: "dependency file://" + name + " is not a directory of the repository",
			Hint: "the path is relative to the directory of Chart.yaml"}
	}
	before := len(r.problems)
	files, err := r.readChart(full)
	if err == nil && len(r.problems) > before {
		err = Problems(r.problems[before:])
		r.problems = r.problems[:before]
	}
	return files, err
}

// Archive implements chart.Resolver.
func (r resolver) Archive(n chart.Need) []byte { return r.options.Archives[n.Key()] }
