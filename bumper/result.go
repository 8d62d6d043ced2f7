package bumper

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Edit is one scalar that gets a new value.
type Edit struct {
	File string
	// Line and Column are where the value starts, from 1. Lines end with LF or CRLF, as in Git; columns count characters.
	Line, Column int
	// Path is the YAML path of the scalar, in the syntax of Value.Path. In a file of several documents it starts with
	// the index of the document: [1].spec.replicas.
	Path string
	// Image is the normalised name (docker.io/library/nginx), or "" for an explicit edit.
	Image string
	// Old and New are the whole scalar: a tag, a digest, or a reference with its name.
	Old, New string
	// Before and After are the complete image around the scalar. Both are zero for an explicit edit. When an image has
	// tag and digest in two scalars, its two edits have the same Before and After.
	Before, After Image
}

// Reference is one place that names an image.
type Reference struct {
	File         string
	Line, Column int
	Path         string
	Image        Image
	// Shape is the form it is written in, one of the Shape constants.
	Shape string
}

// The shapes a Reference can have.
const (
	ShapeImage     = "image"     // image: name:tag, in workloads, custom resources, Helm values
	ShapeMap       = "image map" // registry, repository, tag, digest; or an image and its tag in two keys
	ShapeKustomize = "kustomize" // images: name, newName, newTag, digest
	ShapeParameter = "parameter" // Argo CD helm.parameters: image.repository, image.tag
	ShapeMarker    = "marker"    // a scalar with a Flux $imagepolicy comment
	ShapeValue     = "value"     // not an image: the scalar of an explicit edit, only in Result.Current
)

// Result is what Bump did.
type Result struct {
	// Edits are sorted by file and position.
	Edits []Edit
	// Files holds the new content of the files that change, and no others.
	Files map[string][]byte
	// Current are the references that already have the requested value.
	Current []Reference
	// Notes are remarks for the reader of the result, one line each.
	Notes []string
	// Left are the places that still have a version which an edit took away elsewhere, sorted by file and position. It is complete for
	// references of the form name:tag, name@digest and name:tag@digest, wherever in a file they stand.
	Left []Left
	// Scanned counts the files searched, Parsed those that had to be parsed.
	Scanned, Parsed int
}

// Left is a place that still has the old version of an image after the edits, and that Bump did not edit: a reference in a text, in
// an argument, in a comment, under any key, or a version beside an image.
type Left struct {
	File         string
	Line, Column int
	// Image is what the place names now. For a version beside an image it is the image as it was.
	Image Image
	// Want is what was asked for that image.
	Want Image
	// Reason says why the place was not edited, lower-case and without a full stop.
	Reason string
}

// String is file:line:column: still name:tag: reason.
func (l Left) String() string {
	return fmt.Sprintf("%s:%d:%d: still %s: %s", l.File, l.Line, l.Column, l.Image, l.Reason)
}

// sortReferences orders by file and position. A scalar that counts in several places, through aliases, stays once.
func sortReferences(refs []Reference) []Reference {
	slices.SortStableFunc(refs, func(x, y Reference) int {
		return cmp.Or(strings.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
	return slices.CompactFunc(refs, func(x, y Reference) bool {
		return x.File == y.File && x.Line == y.Line && x.Column == y.Column && x.Image == y.Image
	})
}
