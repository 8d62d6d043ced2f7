package bumper

import "path"

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
