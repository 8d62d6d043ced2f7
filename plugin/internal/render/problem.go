package render

import (
	"errors"
)

// asProblems makes a single Problem into Problems, so that callers see one type, and leaves other errors alone.
func asProblems(err error) error {
	var one Problem
	var all Problems
	if !errors.As(err, &all) && errors.As(err, &one) {
		return Problems{one}
	}
	return err
}

// refuse collects err when it is about the content of the checkout, and returns it when it is not, or asks for charts.
func (t *tree) refuse(err error) error {
	var one Problem
	var all Problems
	var needs *needsError
	switch {
	case errors.As(err, &needs): // charts are fetched before the checkout is judged
		return err
	case errors.As(err, &all):
		t.problems = append(t.problems, all...)
	case errors.As(err, &one):
		t.problems = append(t.problems, one)
	default:
		return err
	}
	return nil
}
