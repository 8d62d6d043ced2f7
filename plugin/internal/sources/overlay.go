package sources

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// overlay prepares the overlay of the app for a part that lies elsewhere: files of patches are those of the checkout, so their texts are handed
// over.
func (j *joined) overlay(ctx context.Context, p render.Part, o *render.Options) error {
	if o.Overlay == nil || p.Source == nil {
		return nil
	}
	with := *o.Overlay
	refuse := func(place, help, format string, args ...any) error {
		at, known := with.Origins[place]
		if !known {
			at = with.Origins[""]
		}
		return manifest.Problems{{Origin: at, Message: fmt.Sprintf(format, args...), Hint: help}}
	}
	if len(with.Components) > 0 {
		return refuse("components", "write the changes as patches, or put a kustomization with the component into the source", "components of this repository cannot change objects of a source")
	}
	with.Patches = slices.Clone(with.Patches)
	for i, patch := range with.Patches {
		if patch.Path == "" {
			continue
		}
		text, err := j.local(ctx, patch.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return refuse(fmt.Sprintf("patches[%d]", i), "files of patches are named from the root of this repository", "patch %s does not exist", patch.Path)
		}
		if err != nil {
			return refuse(fmt.Sprintf("patches[%d]", i), "", "patch %s: %v", patch.Path, err)
		}
		with.Patches[i].Patch, with.Patches[i].Path = string(text), ""
	}
	o.Overlay = &with
	return nil
}

// local reads a file of the checkout, which the render then depends on.
func (j *joined) local(ctx context.Context, name string) ([]byte, error) {
	j.noteLocal(name)
	if j.options.Lacking != nil {
		if err := j.options.Lacking(ctx, []string{name}); err != nil {
			return nil, err
		}
	}
	return readFile(j.checkout, name)
}

// noteLocal notes that the render depends on a file of the checkout.
func (j *joined) noteLocal(name string) {
	j.files = append(j.files, name)
	if j.reads++; !throughLink(j.checkout, name) {
		j.told++
		j.inputs = append(j.inputs, name)
	}
}
