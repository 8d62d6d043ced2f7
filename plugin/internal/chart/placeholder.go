package chart

import (
	"errors"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	v2 "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
)

// refusePlaceholders refuses a file that Helm itself reads and that does not hold its content.
func refusePlaceholders(files []*archive.BufferedFile, at map[string]string) error {
	for _, f := range files {
		if kind, found := placeholder.Of(f.Data); found && readByHelm(f.Name) {
			return placeholderError(at[f.Name], kind, "")
		}
	}
	return nil
}

// notePlaceholders remembers files that only templates can read: a chart may hold a picture that nobody renders, and
// blame finds out which are used.
func (l *loading) notePlaceholders(c *v2.Chart) {
	for _, f := range c.Files {
		if _, found := placeholder.Of(f.Data); found {
			l.chart.placeholders = append(l.chart.placeholders, f)
		}
	}
}

// readByHelm tells files with a meaning of their own from those that only templates can read.
func readByHelm(name string) bool {
	switch name {
	case "Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json", "requirements.yaml", "requirements.lock":
		return true
	}
	return strings.HasPrefix(name, "templates/") || strings.HasPrefix(name, "crds/")
}

func placeholderError(file string, kind placeholder.Kind, reader string) error {
	message := "the file is " + kind.What
	if reader != "" {
		message += ", and a template reads it (rendering " + reader + ")"
	}
	return &Error{File: file, Message: message, Hint: kind.Hint}
}

// otherContent gives files another content than they have, and returns what undoes that.
func otherContent(files []*common.File) (restore func()) {
	before := make([][]byte, len(files))
	for i, f := range files {
		before[i], f.Data = f.Data, []byte(strings.Repeat("another content\n", 7))
	}
	return func() {
		for i, f := range files {
			f.Data = before[i]
		}
	}
}

// alsoHolds adds to an error of a template that a file it may have read does not hold its content.
func (c *Chart) alsoHolds(err error) error {
	var e *Error
	if len(c.placeholders) == 0 || !errors.As(err, &e) {
		return err
	}
	kind, _ := placeholder.Of(c.placeholders[0].Data)
	told := *e
	told.Hint = strings.TrimPrefix(e.Hint+"; if the template reads "+c.at[c.placeholders[0]]+": the file is "+kind.What, "; ")
	return &told
}
