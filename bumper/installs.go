package bumper

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// findInstalls reads all objects that name values files or a chart of the repository.
func (o *overlays) findInstalls() []install {
	var out []install
	mayInstall := func(f File) bool {
		return bytes.Contains(f.Data, []byte("helm")) || bytes.Contains(f.Data, []byte("Helm"))
	}
	o.tree.parse(mayInstall)
	for i, f := range o.tree.files {
		if !mayInstall(f) {
			continue
		}
		s := o.tree.scan(i)
		for _, root := range roots(s, func([]*cursor) bool { return true }) {
			for _, in := range installsOf(s, root) {
				if in.chart = clean(in.chart); o.charts[in.chart] || len(in.files) > 0 {
					out = append(out, in)
				}
			}
		}
	}
	return out
}

func (o *overlays) allInstalls() []install {
	if o.installs == nil {
		o.installs = append([]install{}, o.findInstalls()...)
	}
	return o.installs
}

// explains reports whether an install, or one of its values files, is no context.
func (in install) explains(t *tree) bool {
	return !in.in.context || slices.ContainsFunc(in.files, func(file string) bool {
		i, known := t.overlays.index[file]
		return known && !t.context[i]
	})
}

// clean is a path from the root of the repository, "" for one that leads out of it.
func clean(p string) string {
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	if p == "" {
		return "."
	}
	return p
}

func installsOf(s *scanned, root *cursor) []install {
	dir := path.Dir(s.file.Path)
	var out []install
	switch kind := root.word("kind"); {
	case kind == "HelmRelease":
		spec := root.down("spec", "chart", "spec")
		if spec == nil {
			break
		}
		in := install{in: s, chart: spec.word("chart"), values: mappings(root.down("spec", "values"))}
		if !strings.Contains(in.chart, "/") { // the name of a chart in a Helm repository
			break
		}
		for _, file := range spec.list("valuesFiles") {
			in.files = append(in.files, clean(file))
		}
		out = append(out, in)
	case kind == "Application":
		out = applicationInstalls(s, root.down("spec"))
	case kind == "ApplicationSet":
		out = applicationInstalls(s, root.down("spec", "template", "spec"))
	case root.down("apps") != nil:
		for _, app := range root.down("apps").children() {
			in := install{in: s, chart: app.word("path"), dotted: mappings(app.down("helm", "set"))}
			in.files = under(in.chart, app.down("helm").list("values"))
			out = append(out, in)
		}
	case root.down("helmCharts") != nil:
		home := root.word("helmGlobals", "chartHome")
		if home == "" {
			home = "charts"
		}
		for _, chart := range root.down("helmCharts").children() {
			in := install{in: s, chart: path.Join(dir, home, chart.word("name")), values: mappings(chart.down("valuesInline"))}
			in.files = under(dir, append([]string{chart.word("valuesFile")}, chart.list("additionalValuesFiles")...))
			out = append(out, in)
		}
	}
	return out
}

// applicationInstalls reads the sources of an Argo CD Application.
func applicationInstalls(s *scanned, spec *cursor) []install {
	var sources []*cursor
	if one := spec.down("source"); one != nil {
		sources = append(sources, one)
	}
	if many := spec.down("sources"); many != nil {
		sources = append(sources, many.children()...)
	}
	var out []install
	for _, source := range sources {
		helm := source.down("helm")
		in := install{in: s, chart: source.word("path"), values: mappings(helm.down("valuesObject"))}
		in.files = under(in.chart, helm.list("valueFiles"))
		if parameters := helm.down("parameters"); parameters != nil && parameters.node.Kind == yaml.SequenceNode {
			in.dotted = append(in.dotted, parameters)
		}
		if inline := helm.down("values"); inline != nil && literal(inline.node) {
			if inner := s.text(inline); inner != nil {
				root, _ := inner.rootFor(inline, step{})
				in.values = append(in.values, mappings(root)...)
			}
		}
		out = append(out, in)
	}
	return out
}

// under are the paths of values files, which are relative to a directory unless they start at the root of the repository.
func under(dir string, files []string) []string {
	var out []string
	for _, file := range files {
		switch _, rest, _ := strings.Cut(file, "/"); {
		case file == "" || strings.Contains(file, "://"):
		case strings.HasPrefix(file, "/"), strings.HasPrefix(file, "$"): // a source of another name: this repository as well, or none
			out = append(out, clean(rest))
		default:
			out = append(out, clean(path.Join(dir, file)))
		}
	}
	return out
}

// overInstall lays the values files of an install over the chart's defaults, and its values over all of them.
func (o *overlays) overInstall(in install) {
	o.used[in.in.file.Path] = true
	var defaults []*cursor
	for _, file := range append([]string{path.Join(in.chart, "values.yaml")}, in.files...) {
		i, ok := o.index[file]
		if !ok {
			continue
		}
		s := o.tree.scan(i)
		if !o.tree.context[i] {
			o.lay(s, plainValues, slices.DeleteFunc(slices.Clone(defaults), func(c *cursor) bool { return c.doc == s.document() }), "")
		}
		defaults = append(defaults, plainValues(s)...)
	}
	if in.in.context || len(defaults) == 0 {
		return
	}
	o.lay(in.in, func(*scanned) []*cursor { return in.values }, defaults, "")
	for _, list := range in.dotted {
		in.in.layDotted(list, defaults)
	}
}

func (s *scanned) document() *document {
	if s.finder == nil {
		return nil
	}
	return s.doc
}

// names reports whether an install has to do with one of some files.
func (in install) names(files map[string]bool) bool {
	return files[in.in.file.Path] || files[path.Join(in.chart, "values.yaml")] || slices.ContainsFunc(in.files, func(f string) bool { return files[f] })
}

// layDotted does for parameters like image.tag what layOver does for mappings.
func (s *scanned) layDotted(list *cursor, defaults []*cursor) {
	for _, group := range dottedGroups(list) {
		at := &cursor{doc: list.doc, node: list.node, name: group.prefix[strings.LastIndexByte(group.prefix, '.')+1:]}
		byTag := newByTag()
		for _, base := range defaults {
			if group.prefix != "" {
				base = base.down(strings.Split(group.prefix, ".")...)
			}
			if base == nil || base.node.Kind != yaml.MappingNode {
				continue
			}
			merged := slices.Clone(group.fields)
			for _, f := range base.children() {
				if field(group.fields, f.name) == nil {
					merged = append(merged, f)
				}
			}
			refs := s.recognise(at, merged)
			for _, ref := range refs {
				ref.shape = ShapeParameter
			}
			byTag.add(refs)
		}
		s.settle(byTag, "")
	}
}
