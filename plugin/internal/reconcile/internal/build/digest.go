package build

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// inputsOf returns what a render with options o depended on, nil where that cannot be known.
func inputsOf(t *source.Tree, paths []string, o render.Options) *record.Inputs {
	digest := digestOf(t, paths, o)
	if digest == "" {
		return nil
	}
	return &record.Inputs{Paths: paths, Digest: digest}
}

// plainOf leaves out of the options what only charts depend on, where all that an app is rendered from are directories of sources without a chart.
func plainOf(a app.App, o render.Options, trees []record.Tree) render.Options {
	isChart := func(t record.Tree) bool { return t.Chart }
	isHere := func(p app.Part) bool { return p.Source == nil }
	if a.Source == nil && len(a.Sources) == 0 || len(trees) == 0 || slices.ContainsFunc(trees, isChart) || slices.ContainsFunc(a.Sources, isHere) {
		return o
	}
	o.Capabilities = render.Capabilities{}
	if o.Helm != nil {
		helm := *o.Helm
		helm.Upgrade, helm.Revision, o.Helm = false, 0, &helm
	}
	return o
}

// withoutOrigins leaves out where parts are written.
func withoutOrigins(parts []render.Part) (out []render.Part) {
	for _, p := range parts {
		if p.Chart != nil {
			named := *p.Chart
			named.Origin, p.Chart = render.Origin{}, &named
		}
		if p.Helm != nil && p.Helm.Inline != nil {
			helm := *p.Helm
			helm.Inline, p.Helm = &render.Inline{YAML: helm.Inline.YAML}, &helm
		}
		out = append(out, p)
	}
	return out
}

// digestOf returns a digest of the files at paths, by Git's names for their content, and of the options. It returns "" where
// Git does not know the files: in a working tree, or where the file system finds a file by another spelling of its name.
func digestOf(t *source.Tree, paths []string, o render.Options) string {
	if t.Objects == nil || paths == nil {
		return ""
	}
	// Git has the ciphertext, and a value must not be told by a hash without a key. The settings have the versions of what is read from
	// the cluster.
	o.Substitute, o.AgeKeys, o.Values = nil, "", nil
	if o.Chart != nil { // lines may move
		named := *o.Chart
		named.Origin, named.Resolved, o.Chart = render.Origin{}, "", &named
	}
	if o.Helm != nil && o.Helm.Inline != nil {
		helm := *o.Helm
		helm.Inline, o.Helm = &render.Inline{YAML: helm.Inline.YAML}, &helm
	}
	if o.Overlay != nil {
		overlay := *o.Overlay
		overlay.Origins, o.Overlay = nil, &overlay
	}
	o.Parts = withoutOrigins(o.Parts)
	given, err := json.Marshal(o)
	if err != nil {
		return ""
	}
	h := sha256.New()
	h.Write(given)
	for _, name := range paths {
		at := t.Objects.At(name)
		if _, err := t.Root.Lstat(name); at == "" && err == nil {
			return ""
		}
		fmt.Fprintf(h, "\n%q %s", name, at)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
