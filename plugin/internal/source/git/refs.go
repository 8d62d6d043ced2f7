package git

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/near"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// candidates lists the full names ref may stand for, the first that exists wins.
func candidates(ref string) []string {
	switch {
	case ref == "" || ref == "HEAD":
		return []string{"HEAD"}
	case strings.HasPrefix(ref, "refs/"):
		return []string{ref}
	}
	return []string{"refs/heads/" + ref, "refs/tags/" + ref, "refs/" + ref}
}

// errAmbiguous says that a name is that of a branch and of a tag.
var errAmbiguous = errors.New("is the name of a branch and of a tag, which are different commits")

// ambiguous returns an error when ref is the short name of both a branch and a tag, at different commits: whoever may push the
// one would say what the other means. at looks up the commit of a full name.
func ambiguous(ref string, at func(name string) (plumbing.Hash, bool)) error {
	names := candidates(ref)
	if len(names) < 2 {
		return nil
	}
	branch, isBranch := at(names[0])
	tag, isTag := at(names[1])
	if !isBranch || !isTag || branch == tag {
		return nil
	}
	return hint.With(fmt.Errorf("ref %q %w", ref, errAmbiguous), "write %s for the branch, or %s for the tag", names[0], names[1])
}

// resolveAdvertised finds ref in a server's advertisement and returns its full name and commit.
func resolveAdvertised(adv *packp.AdvRefs, ref string) (string, plumbing.Hash, error) {
	names := make([]string, 0, len(adv.References))
	for name := range adv.References {
		names = append(names, name)
	}
	if err := ambiguous(ref, func(name string) (plumbing.Hash, bool) {
		if h, ok := adv.Peeled[name]; ok {
			return h, true
		}
		h, ok := adv.References[name]
		return h, ok
	}); err != nil {
		return "", plumbing.ZeroHash, err
	}
	for _, name := range candidates(ref) {
		if name == "HEAD" {
			if adv.Head != nil {
				return name, *adv.Head, nil
			}
			return "", plumbing.ZeroHash, noHead(names)
		}
		if h, ok := adv.Peeled[name]; ok {
			return name, h, nil
		}
		if h, ok := adv.References[name]; ok {
			return name, h, nil
		}
	}
	return "", plumbing.ZeroHash, refNotFound(ref, names)
}

// headBranch is the short name of the branch the server's HEAD points at, "HEAD" when it does not say.
func headBranch(adv *packp.AdvRefs) string {
	for _, v := range adv.Capabilities.Get(capability.SymRef) {
		if target, ok := strings.CutPrefix(v, "HEAD:"); ok {
			return safetext.Line(plumbing.ReferenceName(target).Short())
		}
	}
	return "HEAD"
}

func noHead(names []string) error {
	return hint.With(fmt.Errorf("HEAD of the repository points to no commit"),
		"pass --ref with one of: %s", strings.Join(nearest("main", names), ", "))
}

func refNotFound(ref string, names []string) error {
	err := fmt.Errorf("ref %q %w", ref, errRefNotFound)
	if shortForm.MatchString(ref) {
		return hint.With(err, "no branch or tag has this name, and no commit begins with it")
	}
	similar := nearest(ref, names)
	if len(similar) == 0 {
		return hint.With(err, "the repository has no branch and no tag")
	}
	return hint.With(err, "the repository has: %s", strings.Join(similar, ", "))
}

// nearest returns up to five branches and tags, the most similar names first.
func nearest(ref string, names []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	short := plumbing.ReferenceName(ref).Short()
	var found []candidate
	for _, name := range names {
		if n := plumbing.ReferenceName(name); n.IsBranch() || n.IsTag() {
			found = append(found, candidate{safetext.Line(n.Short()), near.Distance(short, n.Short())})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	var similar []string
	for _, c := range found[:min(5, len(found))] {
		similar = append(similar, c.name)
	}
	return slices.Compact(similar)
}

// tagOf is the annotated tag that ref is on a server; zero when it is none.
func tagOf(adv *packp.AdvRefs, ref string) plumbing.Hash {
	for _, name := range tagCandidates(ref) {
		if _, ok := adv.Peeled[name]; ok {
			return adv.References[name]
		}
		if _, ok := adv.References[name]; ok {
			break
		}
	}
	return plumbing.ZeroHash
}

// tagCandidates are the names of what ref stands for itself; none when it means an ancestor.
func tagCandidates(ref string) []string {
	e, err := parseRef(ref)
	if err != nil || len(e.steps) > 0 {
		return nil
	}
	return candidates(e.ref)
}
