package render

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

// archive is a chart that was fetched.
type archive struct {
	NamedChart
	files []chart.File
}

// renderNamed renders a chart that an app names. Without its archive, the error asks for it.
func renderNamed(ctx context.Context, t *tree, _ string, o Options) ([]Object, error) {
	h := &helmRender{tree: t, ctx: ctx, dir: ".", options: o, installs: true}
	if o.Helm != nil {
		h.helm = *o.Helm
	}
	var err error
	if h.named, err = fetched(*o.Chart, o); err != nil {
		return nil, h.refused(err)
	}
	return h.render()
}

// fetched returns a chart whose archive was fetched. Without its archive, the error asks for it.
func fetched(c NamedChart, o Options) (*archive, error) {
	data := o.Archives[c.Key()]
	if data == nil {
		return nil, &needsError{Problem{Origin: c.Origin, Message: "the chart " + c.String() + " is not in this repository",
			Hint: "commit the chart, and give its directory as path"}, []chart.Need{c.Need}}
	}
	name := c.Name
	if version := cmp.Or(c.Resolved, c.Version); chart.Exact(version) {
		name += "-" + strings.TrimPrefix(version, "v")
	}
	files, err := chart.Unpack(name+".tgz", data)
	return &archive{c, files}, err
}

// load makes a chart of the archive, if it is the one that was asked for.
func (a *archive) load() (*chart.Chart, error) {
	c, err := chart.LoadArchive(a.files)
	if err != nil {
		return nil, err
	}
	if c.Name() != a.Name || a.Resolved != "" && strings.TrimPrefix(c.Version(), "v") != strings.TrimPrefix(a.Resolved, "v") {
		return nil, Problem{Origin: a.Origin, Elsewhere: true, Message: fmt.Sprintf("%s holds the chart %s %s instead of %s %s", a.Repository, c.Name(), c.Version(), a.Name, a.Resolved),
			Hint: "ask the owner of the repository, or name the chart as it calls itself"}
	}
	return c, nil
}

// file returns a file of the archive, nil when there is none.
func (a *archive) file(name string) []byte {
	for _, f := range a.files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// values returns a values file of the archive.
func (a *archive) values(h *helmRender, name string) ([]byte, error) {
	clean := path.Clean(name)
	for _, f := range a.files {
		if f.Name != clean {
			continue
		}
		data := bytes.TrimPrefix(f.Data, utf8BOM)
		before := len(h.problems)
		if h.parses(f.At, data, false); len(h.problems) > before {
			return nil, nil
		}
		h.values = append(h.values, valuesFile{name: f.At, data: data})
		return data, nil
	}
	return nil, Problem{Origin: a.Origin, Message: fmt.Sprintf("the chart %s has no values file %q", a.Name, name),
		Hint: "a file of this repository is named from its root, with a leading slash: /" + clean}
}
