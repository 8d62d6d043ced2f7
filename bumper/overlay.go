package bumper

import (
	"bytes"
	"path"
	"slices"

	"gopkg.in/yaml.v3"
)

// overlay adds the references whose names are in other files, for the images that match. It parses what it needs; of the context,
// the files that may name such an image or, without naming, those that may explain one of the other files.
func (t *tree) overlay(match func(*found) bool, naming func(File) bool) {
	if naming == nil && slices.Contains(t.context, true) {
		t.laidOver().scanExplaining()
	}
	for i, f := range t.files {
		if naming != nil && t.context[i] && mayHoldImage(f.Data) && naming(f) {
			t.scan(i)
		}
	}
	var plain, releases []*scanned
	for _, s := range t.parsed() {
		if s.finder == nil || !slices.ContainsFunc(s.found, func(f *found) bool { return f.bases == nil && f.image.Name != "" && match(f) }) {
			continue
		}
		if len(plainValues(s)) > 0 {
			plain = append(plain, s)
		}
		if slices.ContainsFunc(objects(s), func(root *cursor) bool { _, _, values := release(root); return values != nil }) {
			releases = append(releases, s)
		}
	}
	if len(plain)+len(releases) == 0 {
		return
	}
	o := t.laidOver()
	for _, s := range plain {
		o.overFile(s)
	}
	for _, s := range releases {
		o.overRelease(s)
	}
	o.overInstalls(plain)
	for _, s := range plain {
		o.beside(s)
	}
}

func (t *tree) laidOver() *overlays {
	if t.overlays == nil {
		t.overlays = newOverlays(t)
	}
	return t.overlays
}

// scanExplaining parses the files of the context that may hold defaults for the others.
func (o *overlays) scanExplaining() {
	for i, f := range o.tree.files {
		if o.tree.context[i] || !o.mayHoldVersion(i) {
			continue
		}
		if over, ok := o.places[f.Path]; ok {
			o.defaultsOf(f.Path, over)
		}
		for _, root := range objects(o.tree.scan(i)) {
			if kind, name, values := release(root); values != nil && isPatch(root) {
				o.valuesOf(kind, name)
			}
		}
	}
	for _, in := range o.allInstalls() {
		for _, file := range append(in.files, path.Join(in.chart, "values.yaml")) {
			if i, known := o.index[file]; known && in.explains(o.tree) {
				o.tree.scan(i)
			}
		}
	}
}

// overInstalls goes through what installs charts with the values that name the images.
func (o *overlays) overInstalls(bases []*scanned) {
	files := map[string]bool{}
	for _, s := range bases {
		files[s.file.Path] = true
	}
	for _, in := range o.allInstalls() {
		if in.names(files) {
			o.overInstall(in)
		}
	}
}

func newOverlays(t *tree) *overlays {
	o := &overlays{tree: t, places: map[string]place{}, families: map[string][]int{}, done: map[[2]*yaml.Node]bool{}, index: map[string]int{}, used: map[string]bool{}, versions: map[int]bool{}}
	layout := newPlaces(t.files)
	o.charts = layout.charts
	for i, f := range t.files {
		o.index[f.Path] = i
		if pl, ok := layout.of(f.Path); ok {
			o.places[f.Path] = pl
			for _, key := range pl.keys() {
				o.families[key] = append(o.families[key], i)
			}
			o.families["in "+path.Dir(f.Path)] = append(o.families["in "+path.Dir(f.Path)], i)
		}
		if bytes.Contains(f.Data, []byte("HelmRelease")) || bytes.Contains(f.Data, []byte("Application")) {
			o.releases = append(o.releases, i)
		}
	}
	return o
}

// keys are those under which other files that may belong to a place are found.
func (pl place) keys() []string {
	keys := []string{pl.chart + "\x00" + pl.family}
	if pl.chart != "" {
		keys = append(keys, pl.chart)
	}
	return keys
}

// overFile looks for the tags of the images that a values file names in the files that go over it.
func (o *overlays) overFile(s *scanned) {
	base, ok := o.places[s.file.Path]
	if !ok {
		return
	}
	keys := base.keys()[:1]
	if s.file.Path == path.Join(base.chart, "values.yaml") {
		keys = base.keys()
	}
	for _, key := range keys {
		for _, i := range o.families[key] {
			f := o.tree.files[i]
			over := o.places[f.Path]
			if f.Path != s.file.Path && !o.tree.context[i] && holdsDefaults(base, over, s.file.Path) && o.mayHoldVersion(i) {
				o.lay(o.tree.scan(i), plainValues, o.defaultsOf(f.Path, over), "")
			}
		}
	}
}

// beside looks into the files of the same directory that nothing connects with the defaults: their tags may be those of the image.
func (o *overlays) beside(s *scanned) {
	if _, ok := o.places[s.file.Path]; !ok {
		return
	}
	for _, i := range o.families["in "+path.Dir(s.file.Path)] {
		if f := o.tree.files[i]; f.Path != s.file.Path && !o.tree.context[i] && o.mayHoldVersion(i) {
			o.lay(o.tree.scan(i), plainValues, plainValues(s), "may be the tag of the image that "+s.file.Path+" names; nothing says that the two files belong together")
		}
	}
}

// defaultsOf are the values of all files that may hold defaults for a file.
func (o *overlays) defaultsOf(file string, over place) []*cursor {
	var out []*cursor
	for _, key := range over.keys() {
		for _, i := range o.families[key] {
			f := o.tree.files[i]
			if f.Path == file || !holdsDefaults(o.places[f.Path], over, f.Path) || !mayHoldImage(f.Data) {
				continue
			}
			if s := o.tree.scan(i); s.finder != nil {
				for _, root := range plainValues(s) {
					if !slices.ContainsFunc(out, func(c *cursor) bool { return c.node == root.node }) {
						out = append(out, root)
					}
				}
			}
		}
	}
	return out
}

// overRelease looks for the tags of the images that the values of a HelmRelease or an Application name in patches of it.
func (o *overlays) overRelease(s *scanned) {
	for _, root := range objects(s) {
		kind, name, values := release(root)
		if values == nil || isPatch(root) {
			continue
		}
		for _, i := range o.releases {
			if f := o.tree.files[i]; o.tree.context[i] || f.Path == s.file.Path || !o.mayHoldVersion(i) || !mentions(f.Data, []byte(name)) {
				continue
			}
			o.lay(o.tree.scan(i), func(s *scanned) []*cursor { return patchesOf(s, kind, name) }, o.valuesOf(kind, name), "")
		}
	}
}

// valuesOf are the values of all releases of a kind and a name.
func (o *overlays) valuesOf(kind, name string) []*cursor {
	var out []*cursor
	for _, i := range o.releases {
		if !mentions(o.tree.files[i].Data, []byte(name)) {
			continue
		}
		s := o.tree.scan(i)
		for _, root := range objects(s) {
			if k, n, values := release(root); k == kind && n == name && values != nil && !isPatch(root) {
				out = append(out, values)
			}
		}
	}
	return out
}

// lay puts the values that a file has over the defaults, and adds what that names, with the doubt there is.
func (o *overlays) lay(s *scanned, values func(*scanned) []*cursor, defaults []*cursor, doubt string) {
	if s.finder == nil || len(defaults) == 0 {
		return
	}
	for _, c := range defaults {
		o.used[c.doc.path] = true
	}
	for _, c := range values(s) {
		if key := [2]*yaml.Node{c.node, defaults[0].node}; !o.done[key] {
			o.done[key] = true
			s.layOver(c, defaults, doubt)
		}
	}
}

// layOver recognises the images of a mapping of s together with what the defaults at the same path have besides.
func (s *scanned) layOver(c *cursor, defaults []*cursor, doubt string) {
	fields := c.children()
	byTag := newByTag()
	below := map[string][]*cursor{}
	for _, base := range defaults {
		if base.node.Kind != yaml.MappingNode {
			continue
		}
		merged := slices.Clone(fields)
		for _, f := range base.children() {
			if over := field(fields, f.name); over == nil {
				merged = append(merged, f)
			} else if over.via == nil {
				below[f.name] = append(below[f.name], f)
			}
		}
		byTag.add(s.recognise(c, merged))
	}
	s.settle(byTag, doubt)
	for _, f := range fields {
		if f.node.Kind == yaml.MappingNode && len(below[f.name]) > 0 {
			s.layOver(f, below[f.name], doubt)
		}
	}
}

// byTag collects, for each tag, the images that it may belong to.
type byTag struct {
	refs  map[*yaml.Node][]*found
	order []*yaml.Node
}

func newByTag() *byTag { return &byTag{refs: map[*yaml.Node][]*found{}} }

func (t *byTag) add(refs []*found) {
	for _, ref := range refs {
		at := ref.at().node
		if t.refs[at] == nil {
			t.order = append(t.order, at)
		}
		t.refs[at] = append(t.refs[at], ref)
	}
}

const otherDefaults = "may be another image's tag: the defaults name several"

// settle adds the references of which it is known whose tag it is, and the others with the doubt.
func (s *scanned) settle(t *byTag, doubt string) {
	for _, at := range t.order {
		refs := t.refs[at]
		var own *found
		for _, f := range s.found {
			if slices.ContainsFunc(f.scalars(), func(c *cursor) bool { return c.node == at }) {
				own = f
			}
		}
		switch {
		case own != nil && (doubt != "" || own.bases == nil):
			continue
		case own != nil:
			refs = append([]*found{own}, refs...)
		}
		why := doubt
		if why == "" && !same(refs) {
			why = otherDefaults
		}
		for i, ref := range refs {
			if ref.doubt == "" {
				ref.doubt = why
			}
			switch {
			case ref == own:
			case i > 0 && why == "":
				refs[0].bases = append(refs[0].bases, ref.bases...)
			default:
				s.found = append(s.found, ref)
			}
		}
	}
}

// recognise returns the references in merged whose name is in the defaults, and whose tag or digest is in the file of c.
func (s *scanned) recognise(c *cursor, merged []*cursor) []*found {
	w := &finder{doc: c.doc, inherited: map[*yaml.Node][]*cursor{}, texts: map[*yaml.Node]*document{}, budget: aliasBudget}
	w.mapping(c, merged)
	var out []*found
	for _, ref := range w.found {
		here := func(part *cursor) bool { return part != nil && part.doc == c.doc && part.via == nil }
		if ref.name.doc == c.doc || ref.whole != nil || !here(ref.tag) && !here(ref.digest) {
			continue
		}
		ref.bases = []*yaml.Node{ref.name.node}
		if !here(ref.tag) {
			ref.tag = nil
		}
		if !here(ref.digest) {
			ref.digestElsewhere = ref.digest != nil
			ref.digest = nil
		}
		out = append(out, ref)
	}
	return out
}

func same(refs []*found) bool {
	return !slices.ContainsFunc(refs, func(f *found) bool { return f.image.Normalised() != refs[0].image.Normalised() })
}

// doubted is the outcome for a tag that may be that of the image.
func (f *found) doubted() outcome {
	out := f.refuse(true, "edit the value with an explicit edit", "%s", f.doubt)
	out.left, out.doubt, out.image = true, true, f.image
	return out
}

// mayHoldVersion is true for every file that can have a tag or a digest under a key.
func (o *overlays) mayHoldVersion(i int) bool {
	if known, ok := o.versions[i]; ok {
		return known
	}
	data := o.tree.files[i].Data
	holds := slices.ContainsFunc([]string{"tag", "Tag", "ersion", "igest"}, func(key string) bool { return bytes.Contains(data, []byte(key)) })
	o.versions[i] = holds
	return holds
}
