package render

import "github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"

// Trees are trees of files that are not in the checkout. Package sources fetches them; Dir and Isolated do not know them.
type Trees struct {
	Source *NamedSource `json:",omitempty"` // where the directory is; nil for the checkout
	Parts  []Part       `json:",omitempty"` // rendered one by one instead of the directory, Chart and Helm

	// ValuesFiles are the contents of values files that lie in another tree, by their names in Helm.Values: "$NAME/path".
	ValuesFiles map[string][]byte `json:",omitempty"`
}

// NamedSource is a tree of files that has to be fetched, and where an app names it: see app.Source.
type NamedSource struct {
	Git, OCI, Ref, Layer, Secret string `json:",omitempty"`
	Origin                       Origin `json:"-"`
}

// URL returns the address of the repository or the artifact.
func (s NamedSource) URL() string {
	if s.OCI != "" {
		return s.OCI
	}
	return s.Git
}

// Part is one of several places that objects come from: a directory of Source, or a chart. A part with neither Path nor Chart
// renders nothing. Values files of other parts name its files with As: "$As/path".
type Part struct {
	As     string       `json:",omitempty"`
	Source *NamedSource `json:",omitempty"` // nil for the checkout
	Path   string       `json:",omitempty"`
	Chart  *NamedChart  `json:",omitempty"`
	Helm   *Helm        `json:",omitempty"`
	Origin Origin       `json:"-"` // where it is written
}

// FetchedSource is a tree that was fetched. Version is the commit of a branch, or the tag or commit that Ref stands for. Digest is the commit
// as "sha1:...", or the digest of the manifest of an artifact as "sha256:...". Branch tells that Ref follows a branch, as far as somebody
// asked: with a version that the lock or the record gives, nobody does. Locked tells that gitops.lock.yaml gives the version.
type FetchedSource struct {
	NamedSource
	Version, Digest string
	Asked           bool
	Branch, Locked  bool
	Chart           bool // a directory that was rendered is a chart
}

// ShareHidden hides in each object what the renders of all of them have used.
func ShareHidden(objects []Object) {
	var all *sealed.Values
	for _, o := range objects {
		all = all.Join(o.Hidden)
	}
	for i := range objects {
		objects[i].Hidden = all
	}
}
