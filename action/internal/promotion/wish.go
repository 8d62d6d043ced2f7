package promotion

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// Wish is one promotion: from one environment into another, as the inputs name them.
type Wish struct {
	From, To  string   // directories, or names of promotion.yaml; From may be empty when promotion.yaml says it
	Also      []string // besides those of promotion.yaml
	Only      []string // normalised names of images; empty for all
	Downgrade bool     // older versions are copied, too
}

// Places finds the environments that the wish names.
func (w Wish) Places(p *File) (from, to Place, err error) {
	if to, err = w.place("to", w.To, p); err != nil {
		return from, to, err
	}
	name := w.From
	if name == "" && to.Env != nil {
		name = to.Env.From
	}
	if name == "" {
		return from, to, hint.With(fmt.Errorf("input from: nothing says where %s takes its versions from", w.To), "give the from input, or list the environments in "+FilePath)
	}
	if from, err = w.place("from", name, p); err != nil {
		return from, to, err
	}
	for _, a := range from.Patterns {
		for _, b := range to.Patterns {
			if glob.Below(a, b) || glob.Below(b, a) {
				return from, to, fmt.Errorf("inputs from and to: %s and %s overlap", a, b)
			}
		}
	}
	return from, to, nil
}

func (w Wish) place(input, name string, p *File) (Place, error) {
	if e := p.Environment(name); e != nil {
		return Place{e.Patterns, e.Name, e}, nil
	}
	clean, err := glob.Clean(name)
	if err != nil {
		return Place{}, fmt.Errorf("input %s: %w", input, err)
	}
	if clean == "." {
		return Place{}, fmt.Errorf("input %s: %q is not below the root of the repository", input, name)
	}
	return Place{[]string{clean}, clean, nil}, nil
}

// AlsoFor returns the values to copy into an environment besides images, file:path each.
func (w Wish) AlsoFor(to Place) []string {
	if to.Env == nil {
		return w.Also
	}
	return append(slices.Clone(to.Env.Also), w.Also...)
}

// Wishes returns the promotions of one run. base is what they have in common, and to are the environments that get versions: all
// that take theirs from base.From when to is empty, and all of promotion.yaml when both are. The last environment comes first, so
// that a version moves one stage in a run, not two.
func Wishes(base Wish, to []string, p *File) ([]Wish, error) {
	targets := slices.Clone(to)
	if len(targets) == 0 && p == nil {
		return nil, hint.With(fmt.Errorf("nothing to promote: the inputs from and to are empty and the repository has no %s", FilePath),
			"give two directories, or write "+FilePath+" as docs/promotion.md shows")
	}
	if len(targets) == 0 {
		for _, e := range p.Environments {
			if e.From != "" && (base.From == "" || p.Environment(base.From) == p.Environment(e.From)) {
				targets = append(targets, e.Name)
			}
		}
		if len(targets) == 0 {
			return nil, hint.With(fmt.Errorf("input from: nothing takes its versions from %q", base.From), "environments: "+strings.Join(p.names(), ", "))
		}
	}
	order := func(target string) int {
		e := p.Environment(target)
		return slices.IndexFunc(p.names(), func(name string) bool { return e != nil && name == e.Name })
	}
	slices.SortStableFunc(targets, func(a, b string) int { return cmp.Compare(order(b), order(a)) })
	var out []Wish
	for _, t := range targets {
		w := base
		w.To = t
		out = append(out, w)
	}
	return out, nil
}
