package bumper

import "path"

// File is one file of the tree: its slash-separated path from the root of the repository, and its bytes.
type File struct {
	Path string
	Data []byte
}

// Request says what to change. Images are looked for by name in the whole tree; Values name one scalar each.
type Request struct {
	Images []Image
	Values []Value
	// AllowDowngrade accepts a tag that is older than the one in the file. Values are never compared.
	AllowDowngrade bool
	// Context are files that are only read to understand the others: the defaults of a chart, when only the values of one environment
	// may be edited. Nothing in them is found, edited or left. A file that is edited does not count here.
	Context []File
}

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

// Bump makes the edits of r in files. It returns the zero Result with an error if any one edit is impossible. The error
// joins everything that is wrong, to be told apart with errors.As: Refusals, *NotFoundError (one for each image),
// *DowngradeError, *ConflictError. The same input gives the same result whatever the order of files; a second Bump of
// the result changes nothing.
func Bump(files []File, r Request) (Result, error) {
	t, err := newTree(files, r.Context)
	if err != nil {
		return Result{}, err
	}
	b := &bump{tree: t, request: r, edits: map[*scanned][]wanted{}}
	b.checkRequest()
	if err := b.problems(); err != nil {
		return Result{}, err
	}
	b.tree.parseNaming(b.images)
	b.tree.parse(func(f File) bool { return b.valueFiles[f.Path] })
	b.planImages()
	b.planValues()
	b.apply()
	if err := b.problems(); err != nil {
		return Result{}, err
	}
	return b.finish(), nil
}

// Explaining returns the files of context that Find and Bump need to understand files. With these alone as context they give the same
// result, sooner.
func Explaining(files, context []File) ([]File, error) {
	t, err := newTree(files, context)
	if err != nil {
		return nil, err
	}
	t.parseEverything()
	var out []File
	for i, f := range t.files {
		if t.context[i] && (t.overlays.used[f.Path] || path.Base(f.Path) == "Chart.yaml") {
			out = append(out, f)
		}
	}
	return out, nil
}

// Find returns every image reference in files, sorted by file and position. Files that are not YAML (chart templates)
// are passed over. The files of context are only read to understand the others, as in a Request.
func Find(files []File, context ...File) ([]Reference, error) {
	t, err := newTree(files, context)
	if err != nil {
		return nil, err
	}
	t.parseEverything()
	var out []Reference
	for _, s := range t.parsed() {
		if s.finder == nil || s.context {
			continue
		}
		for _, ref := range s.found {
			if ref.doubt != "" || ref.guessed {
				continue
			}
			if ref.image.Name != "" && !ref.templated {
				out = append(out, ref.reference())
			}
		}
	}
	return sortReferences(out), nil
}
