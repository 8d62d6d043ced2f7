package bumper

import "gopkg.in/yaml.v3"

// found is one reference together with the scalars that an edit of it would replace.
type found struct {
	doc   *document
	image Image // Name is complete, with a registry written in a key of its own
	shape string
	// other is a second name it goes by: name in a kustomization entry whose newName differs.
	other string
	// policy is the ImagePolicy that its marker names, as long as the image is not known.
	policy *policyName
	// selector is the scalar name: of a kustomization entry that is for one version of an image only, and selects what it says.
	selector *cursor
	selects  Image
	valuesElsewhere
	// guessed is set for a second way to read the name. It counts when exactly that image is asked for.
	guessed bool

	name        *cursor  // the scalar with the name
	whole       *cursor  // the scalar with name, tag and digest; nil if they are apart
	prefix      string   // what comes before the name in whole: "web=" of an Argo CD kustomize image
	written     string   // the name as it is in whole
	tag, digest *cursor  // scalars of their own, nil if there is no such key
	bare        bool     // the digest is written without "sha256:"
	templated   bool     // some part is filled in by a template
	badTag      bool     // the tag is not one
	embedded    *Refusal // it is in a text that cannot be edited
}

// valuesElsewhere are what other files say of a reference, of a chart and its values.
type valuesElsewhere struct {
	bases           []*yaml.Node // the nodes of the name, when it is in the defaults
	doubt           string       // why it may be another image all the same
	digestElsewhere bool         // the digest is in the defaults as well
}

// at is the scalar that stands for the reference in reports.
func (f *found) at() *cursor {
	for _, c := range []*cursor{f.whole, f.tag, f.digest} {
		if c != nil {
			return c
		}
	}
	return f.name
}

// scalars are all the scalars the reference consists of.
func (f *found) scalars() []*cursor {
	var out []*cursor
	for _, c := range []*cursor{f.whole, f.name, f.tag, f.digest} {
		if c != nil {
			out = append(out, c)
		}
	}
	return out
}

// policyName names an ImagePolicy of Flux.
type policyName struct{ namespace, name string }
