package bumper

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// imageKey reports whether a scalar under this key is an image: image, initImage, proxy_image, imageName.
func imageKey(c *cursor) bool {
	key := strings.ToLower(c.name)
	switch key {
	case "imagename", "image_name", "imageref", "imagerepository", "image_repository", "imagerepo", "image_repo":
		return true
	case "reference": // image volumes
		return c.parent != nil && imageKey(c.parent)
	}
	return strings.HasSuffix(key, "image")
}

// Keys beside the name of an image under which its tag is: first those that say so, then those that may mean something else.
var (
	tagKeys     = []string{"tag", "imageTag", "image_tag"}
	versionKeys = []string{"imageVersion", "image_version", "version", "appVersion", "app_version"}
	digestKeys  = []string{"digest", "imageDigest", "image_digest"}
)

// tagAmong returns the field with the tag of an image whose name is beside it, nil if there is none. A version counts if it could be
// a tag, and nothing beside it says that it is the version of something else.
func tagAmong(fields []*cursor, keys ...string) *cursor {
	if tag := scalar(fields, append(keys, tagKeys...)...); tag != nil {
		return tag
	}
	if field(fields, "kind", "chart", "chartName", "chartVersion", "helmChart", "repoURL", "releaseName") != nil {
		return nil
	}
	for _, key := range versionKeys {
		version := text(fields, key)
		if version == nil {
			continue
		}
		if value, _, _ := strings.Cut(version.node.Value, "@"); tagRE.MatchString(value) || templateAt(value) >= 0 {
			return version
		}
	}
	return nil
}

// imageString recognises image: name:tag, and image: name with its tag under a key beside it.
func (w *finder) imageString(c *cursor, fields []*cursor) {
	ref := &found{shape: ShapeImage, name: c, whole: c}
	img, ok := w.readName(ref, c.node.Value)
	if !ok {
		return
	}
	ref.image, ref.written = img, img.Name
	if registry := text(fields, "registry", "hub"); registry != nil && c.name != "reference" {
		ref.image.Name = joinRegistry(registry.node.Value, img.Name)
	}
	if img.Tag == "" && img.Digest == "" && !ref.templated {
		base := baseKey(c.name)
		own := []string{base + "Tag", base + "_tag", base + "Version", base + "_version"}
		tag, digest := scalar(fields, own...), scalar(fields, base+"Digest", base+"_digest")
		if c.name == "image" || alone(c, fields) { // others have their tags under keys of their own
			tag, digest = tagAmong(fields, own...), scalar(fields, append([]string{base + "Digest", base + "_digest"}, digestKeys...)...)
			ref.image.Name = underRepository(c, fields, ref.image.Name, tag != nil || digest != nil)
		}
		if tag != nil || digest != nil {
			ref.shape, ref.whole = ShapeMap, nil
			w.readParts(ref, tag, digest)
		}
	}
	w.add(ref)
}

// baseKey is what the keys of tag and digest begin with: image for imageName and imageRepository, proxyImage for proxyImage.
func baseKey(key string) string {
	for _, suffix := range []string{"Name", "_name", "Repository", "_repository", "Repo", "_repo"} {
		key = strings.TrimSuffix(key, suffix)
	}
	return key
}

// alone reports whether no other field names an image without its tag.
func alone(c *cursor, fields []*cursor) bool {
	for _, f := range fields {
		if f == c || !imageKey(f) || !isString(f) {
			continue
		}
		if img, err := ParseImage(f.node.Value); err == nil && img.Tag == "" && img.Digest == "" {
			return false
		}
	}
	return true
}

// underRepository completes the last part of a name when what comes before it is beside it: repository: ghcr.io/acme, image: api,
// tag: 1.0.0.
func underRepository(c *cursor, fields []*cursor, name string, tagged bool) string {
	repository := text(fields, "repository", "repo")
	if repository == nil || c.name != "image" || !tagged {
		return name
	}
	img, err := ParseImage(repository.node.Value)
	if err != nil || img.Tag != "" || img.Digest != "" {
		return name
	}
	complete := joinRegistry(repository.node.Value, c.node.Value)
	if registry := text(fields, "registry", "hub"); registry != nil {
		complete = joinRegistry(registry.node.Value, complete)
	}
	return complete
}

// repositoryMap recognises registry, repository, tag and digest as keys of one mapping c.
func (w *finder) repositoryMap(c *cursor, fields []*cursor) {
	digest := scalar(fields, append(slices.Clone(digestKeys), "sha")...)
	tag := scalar(fields, tagKeys...)
	registry := text(fields, "registry", "hub")
	repository := text(fields, "repository", "repo")
	if tag == nil && (imageKey(c) || listedImage(c) || repository != nil && !chartKey(c)) {
		tag = tagAmong(fields)
	}
	if repository == nil && (imageKey(c) || listedImage(c) || registry != nil) && tag != nil {
		repository = text(fields, "name")
	}
	image := text(fields, "image") // has the name, or the rest of it
	if repository == nil && registry != nil && registry.name == "registry" && image == nil && (tag != nil || digest != nil) {
		repository, registry = registry, nil
	}
	if repository == nil || image != nil && (tag != nil || digest != nil) && registryOrName(image) {
		return
	}
	ref := &found{shape: ShapeMap, name: repository}
	img, ok := w.readName(ref, repository.node.Value)
	switch {
	case !ok:
		return
	case (img.Tag != "" || img.Digest != "") && text(fields, tagKeys...) == nil:
		ref.shape, ref.whole, ref.written = ShapeImage, repository, img.Name
	case tag == nil && digest == nil && !imageKey(c):
		return
	case img.Tag != "" || img.Digest != "":
		return
	}
	ref.image = img
	if registry != nil {
		ref.image.Name = joinRegistry(registry.node.Value, img.Name)
	}
	if ref.whole == nil {
		ref.bare = digest != nil && digest.name == "sha"
		w.readParts(ref, tag, digest)
	}
	w.add(ref)
	if name := text(fields, "name"); name != nil && name != repository && ref.whole == nil && imageKey(c) { // repository: ghcr.io/acme, name: api
		second := *ref
		second.image.Name, second.guessed = joinRegistry(ref.image.Name, name.node.Value), true
		if nameRE.MatchString(second.image.Name) && second.image.Name != ref.image.Name {
			w.add(&second)
		}
	}
}

// registryOrName reports whether an image beside a repository is a name without a tag, so that the two belong together.
func registryOrName(image *cursor) bool {
	img, err := ParseImage(image.node.Value)
	return err == nil && img.Tag == "" && img.Digest == ""
}

// chartKey reports whether the fields of c are about a Helm chart: repository and version are those of the chart then.
func chartKey(c *cursor) bool {
	for _, up := range []*cursor{c, c.parent} {
		if up == nil {
			break
		}
		key := strings.ToLower(up.name)
		if strings.Contains(key, "chart") || strings.Contains(key, "helm") || key == "dependencies" || key == "releases" || key == "repositories" {
			return true
		}
	}
	return false
}

// listedImage reports whether c is an item of a list called images.
func listedImage(c *cursor) bool {
	return c.step.kind == byIndex && c.parent != nil && c.parent.name == "images"
}

// kustomizeEntry recognises one item of images: in a kustomization, also inside a Flux Kustomization.
func (w *finder) kustomizeEntry(c *cursor) {
	fields := c.children()
	name := text(fields, "name")
	newName := text(fields, "newName")
	tag := scalar(fields, "newTag")
	digest := scalar(fields, "digest")
	if name == nil || newName == nil && tag == nil && (digest == nil || field(fields, "tag") != nil) {
		return
	}
	ref := &found{shape: ShapeKustomize, name: name}
	img, ok := w.readName(ref, name.node.Value)
	if !ok {
		return
	}
	if img.Tag != "" || img.Digest != "" {
		ref.selector, ref.selects = name, img
	}
	ref.image = Image{Name: img.Name, Tag: img.Tag}
	if newName != nil {
		ref.name, ref.other = newName, img.Name
		if img, ok = w.readName(ref, newName.node.Value); !ok || img.Tag != "" || img.Digest != "" {
			return
		}
		ref.image = img
	}
	w.readParts(ref, tag, digest)
	w.add(ref)
}

// kustomizeString recognises one item of kustomize.images in an Argo CD Application: name:tag or name=newname:tag.
func (w *finder) kustomizeString(c *cursor) {
	value := c.node.Value
	at := strings.LastIndexByte(value, '=') + 1
	ref := &found{shape: ShapeKustomize, name: c, whole: c, prefix: value[:at]}
	img, ok := w.readName(ref, value[at:])
	if !ok || at == 0 && img.Tag == "" && img.Digest == "" && !ref.templated {
		return
	}
	if at == 0 {
		ref.shape = ShapeImage
	} else {
		ref.other = value[:at-1]
	}
	ref.image, ref.written = img, img.Name
	w.add(ref)
}

// parameters recognises Argo CD's helm.parameters, where the dotted name of each item is a path in the values, and helm.set, where
// the keys are. The items under one prefix are treated like the fields of a mapping.
func (w *finder) parameters(list *cursor) {
	before := len(w.found)
	for _, group := range dottedGroups(list) {
		for _, f := range group.fields {
			if imageKey(f) {
				w.imageString(f, group.fields)
			}
		}
		w.repositoryMap(&cursor{doc: list.doc, node: list.node, name: group.prefix[strings.LastIndexByte(group.prefix, '.')+1:]}, group.fields)
	}
	for _, ref := range w.found[before:] {
		ref.shape = ShapeParameter
	}
}

// dotted is what stands under one prefix in a list of dotted names.
type dotted struct {
	prefix string
	fields []*cursor
}

func dottedGroups(list *cursor) []dotted {
	var out []dotted
	for _, item := range list.children() {
		key, value := item.step.key, item
		if list.node.Kind == yaml.SequenceNode {
			fields := item.children()
			name := text(fields, "name")
			if value = scalar(fields, "value"); name == nil || value == nil {
				continue
			}
			key = name.node.Value
		}
		if value.node.Kind != yaml.ScalarNode {
			continue
		}
		prefix, last := "", key
		if dot := strings.LastIndexByte(key, '.'); dot >= 0 {
			prefix, last = key[:dot], key[dot+1:]
		}
		i := slices.IndexFunc(out, func(d dotted) bool { return d.prefix == prefix })
		if i < 0 {
			i, out = len(out), append(out, dotted{prefix: prefix})
		}
		entry := *value
		entry.name = last
		out[i].fields = append(out[i].fields, &entry)
	}
	return out
}

// readName reads an image or its name out of a scalar. A name in front of a template is read as well, and marks ref.
func (w *finder) readName(ref *found, value string) (Image, bool) {
	if at := templateAt(value); at > 0 && (value[at-1] == ':' || value[at-1] == '@' || strings.Contains(value[:at], ":")) {
		ref.templated = true
		value = strings.TrimRight(value[:at], ":@")
		if i := strings.LastIndexByte(value, ':'); i > strings.LastIndexByte(value, '/') {
			value = value[:i]
		}
	}
	img, err := ParseImage(value)
	return img, err == nil
}

// readParts takes tag and digest from scalars of their own. A tag may carry its digest, as in 1.8.2@sha256:….
func (w *finder) readParts(ref *found, tag, digest *cursor) {
	ref.tag, ref.digest = tag, digest
	if tag != nil && tag.node.ShortTag() != "!!null" {
		value, pin, _ := strings.Cut(tag.node.Value, "@")
		ref.image.Tag, ref.image.Digest = value, pin
		ref.templated = ref.templated || templateAt(value) >= 0
		ref.badTag = value != "" && !tagRE.MatchString(value)
	}
	if digest != nil && digest.node.ShortTag() != "!!null" && digest.node.Value != "" {
		ref.image.Digest = digest.node.Value
		ref.templated = ref.templated || templateAt(digest.node.Value) >= 0
		if ref.bare = ref.bare && !strings.Contains(digest.node.Value, ":"); ref.bare {
			ref.image.Digest = "sha256:" + digest.node.Value
		}
	}
}

// templateAt returns where a value stops being literal: {{ }} of Helm and others, ${ } and $( ) of substitutions.
func templateAt(s string) int {
	at := -1
	for _, open := range []string{"{{", "${", "$("} {
		if i := strings.Index(s, open); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	return at
}

func joinRegistry(registry, name string) string {
	registry = strings.TrimSuffix(registry, "/")
	if strings.HasPrefix(name, registry+"/") {
		return name
	}
	return registry + "/" + name
}

// isString reports whether a scalar may be a name or a version: one that is not empty, null, or a boolean.
func isString(c *cursor) bool {
	return c.node.Kind == yaml.ScalarNode && c.node.Value != "" && c.node.ShortTag() != "!!null" && c.node.ShortTag() != "!!bool"
}
