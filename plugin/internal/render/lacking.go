package render

import (
	"context"
	"errors"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
)

// lackingError says that a render read files whose contents are not in the checkout.
type lackingError struct{ paths []string }

// Error names the first file.
func (e *lackingError) Error() string { return e.problems().Error() }

// Unwrap returns what is wrong where nobody can fetch the files.
func (e *lackingError) Unwrap() error { return e.problems() }

func (e *lackingError) problems() (all Problems) {
	for _, name := range e.paths[:min(len(e.paths), maxFileProblems)] {
		all = append(all, Problem{Origin: Origin{File: name}, Message: "the file is " + placeholder.Unfetched.What, Hint: placeholder.Unfetched.Hint})
	}
	return all
}

// onDemand renders until no file is lacking. Each time, a file is fetched that was not fetched before.
func (o Options) onDemand(ctx context.Context, render func() ([]Object, error)) ([]Object, error) {
	fetched := map[string]bool{}
	for {
		objects, err := render()
		var lacking *lackingError
		if o.Lacking == nil || !errors.As(err, &lacking) {
			return objects, err
		}
		paths := slices.DeleteFunc(slices.Clone(lacking.paths), func(name string) bool { return fetched[name] })
		if len(paths) == 0 {
			return nil, err
		}
		if err := o.Lacking(ctx, paths); err != nil {
			return nil, err
		}
		for _, name := range paths {
			fetched[name] = true
		}
	}
}
