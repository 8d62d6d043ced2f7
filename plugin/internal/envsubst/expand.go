package envsubst

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Budget bounds what may be spent on texts. Expand takes from it what it spends.
type Budget struct {
	Bytes int // of the results of expressions
	Steps int // of matching and replacing, about a nanosecond each
}

// Result is a text with its expressions replaced.
type Result struct {
	Text   string
	Places []Place // one for each expression that stands in no other, in their order
	Made   []Made  // what operators made of values
	Kept   []string
}

// Place is where the result of an expression stands.
type Place struct {
	At         int      // of the expression in the source
	Start, End int      // of what it became, in the result
	Names      []string // its variables
}

// Made is a text that is the value of no variable, but was made of some.
type Made struct {
	Names []string
	Text  string
}

// Lookup returns the value of a variable. A variable that is not set has the value "". An expression that needs a variable that is
// not known stays as it is written.
type Lookup func(name string) (value string, known bool)

// Expand replaces the expressions. Its error is an *Error: the budget is used up.
func (t *Template) Expand(lookup Lookup, budget *Budget) (Result, error) {
	run := &run{lookup: lookup, budget: budget, text: t.text}
	var out strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			out.WriteString(p.text)
			continue
		}
		text, known, err := run.value(p.expr)
		if err != nil {
			return Result{}, err
		}
		if !known {
			text = t.text[p.expr.start:p.expr.end]
			run.keep(p.expr)
		}
		start := out.Len()
		out.WriteString(text)
		run.places = append(run.places, Place{At: p.expr.start, Start: start, End: out.Len(), Names: p.expr.names(nil)})
	}
	return Result{out.String(), run.places, run.made, run.kept}, nil
}

// run is one Expand.
type run struct {
	lookup Lookup
	budget *Budget
	text   string
	places []Place
	made   []Made
	kept   []string
}

// keep notes the variables for which an expression stays.
func (r *run) keep(e *expression) {
	for _, name := range e.names(nil) {
		if _, known := r.lookup(name); !known && !slices.Contains(r.kept, name) {
			r.kept = append(r.kept, name)
		}
	}
}

// value is what an expression becomes.
func (r *run) value(e *expression) (text string, known bool, err error) {
	value, known := r.lookup(e.name)
	if !known {
		return "", false, nil
	}
	if e.isDefault() {
		if text = value; value == "" {
			if text, known, err = r.join(e); !known || err != nil {
				return "", known, err
			}
		}
		return text, true, r.spend(e, len(text), 0)
	}
	args := make([]string, len(e.args))
	for i, arg := range e.args {
		if args[i], known, err = r.part(arg); !known || err != nil {
			return "", known, err
		}
	}
	if text, err = r.apply(e, value, args); err != nil {
		return "", false, err
	}
	if text != value && text != "" && e.operator != opLength {
		r.made = append(r.made, Made{e.names(nil), text})
	}
	return text, true, nil
}

// isDefault holds for ${NAME}, too, which has the default "".
func (e *expression) isDefault() bool {
	return e.operator == "" || e.operator == "=" || len(e.operator) == 2 && e.operator[0] == ':'
}

func (r *run) part(p part) (text string, known bool, err error) {
	if p.expr == nil {
		return p.text, true, nil
	}
	return r.value(p.expr)
}

// join is the default of an expression.
func (r *run) join(e *expression) (text string, known bool, err error) {
	var out strings.Builder
	for _, arg := range e.args {
		text, known, err := r.part(arg)
		if !known || err != nil {
			return "", known, err
		}
		out.WriteString(text)
	}
	return out.String(), true, nil
}

// spend takes from the budget before a text of so many bytes is made.
func (r *run) spend(e *expression, bytes, steps int) error {
	r.budget.Bytes -= bytes
	r.budget.Steps -= steps
	switch {
	case r.budget.Bytes < 0:
		return &Error{At: e.start, Name: e.name, Message: "the variables make the text too large"}
	case r.budget.Steps < 0:
		return &Error{At: e.start, Name: e.name, Message: "replacing the variables takes too long"}
	}
	return nil
}

// apply applies the operator of an expression.
func (r *run) apply(e *expression, value string, args []string) (string, error) {
	if err := r.spend(e, len(value), len(value)); err != nil { // no operator but // makes more of it
		return "", err
	}
	switch e.operator {
	case opLength:
		return strconv.Itoa(len(value)), nil
	case ",,":
		return strings.ToLower(value), nil
	case "^^":
		return strings.ToUpper(value), nil
	case ",":
		return first(value, unicode.ToLower), nil
	case "^":
		return first(value, unicode.ToUpper), nil
	case opSubstring:
		return substring(value, args), nil
	case "/", "//", "/#", "/%":
		return r.replace(e, value, args)
	case "#", "##":
		text := withoutPrefix(value, args[0], e.operator == "##", &r.budget.Steps)
		return text, r.spend(e, 0, 0)
	case "%", "%%":
		text := withoutSuffix(value, args[0], e.operator == "%%", &r.budget.Steps)
		return text, r.spend(e, 0, 0)
	}
	return value, nil // ,^ and ^, are no operators, and change nothing
}

// first changes the first character.
func first(text string, change func(rune) rune) string {
	if text == "" {
		return ""
	}
	r, size := utf8.DecodeRuneInString(text)
	return string(change(r)) + text[size:]
}

// substring cuts bytes out: from an offset, and at most so many as the second number says. A negative offset counts from the end,
// and a negative length says how many bytes stay away from the end. What is no number leaves the value as it is.
func substring(value string, args []string) string {
	from, err := strconv.Atoi(args[0])
	if err != nil {
		return value
	}
	if from < 0 {
		from = max(len(value)+from, 0)
	}
	to := len(value)
	if len(args) > 1 {
		length, err := strconv.Atoi(args[1])
		switch {
		case err != nil:
			return value
		case length < 0:
			to += length
		case length < to-from:
			to = from + length
		}
	}
	if to <= from {
		return ""
	}
	return value[from:to]
}

// replace replaces the first, all, or what stands at the beginning or the end. The pattern is plain text.
func (r *run) replace(e *expression, value string, args []string) (string, error) {
	pattern, by := args[0], ""
	if len(args) > 1 {
		by = args[1]
	}
	times := 1
	switch {
	case e.operator == "//":
		times = strings.Count(value, pattern)
	case e.operator == "/#" && (len(args) == 1 || !strings.HasPrefix(value, pattern)),
		e.operator == "/%" && (len(args) == 1 || !strings.HasSuffix(value, pattern)):
		return value, nil
	}
	grows := int64(times) * int64(len(by))
	if err := r.spend(e, int(min(grows, int64(r.budget.Bytes)+1)), len(pattern)); err != nil {
		return "", err
	}
	if e.operator == "/%" {
		return strings.TrimSuffix(value, pattern) + by, nil
	}
	return strings.Replace(value, pattern, by, times), nil
}

// CheckName refuses a name that Flux accepts for no variable.
func CheckName(name string) error {
	for i := range len(name) {
		if !isNameStart(name[i]) && (i == 0 || name[i] < '0' || name[i] > '9') {
			return fmt.Errorf("%q is no name for a variable: letters, digits and _, beginning with a letter or _", name)
		}
	}
	if name == "" {
		return errors.New("a variable has no name")
	}
	return nil
}

func isNameStart(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
