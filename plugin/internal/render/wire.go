package render

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// request is what a child reads: one line of JSON.
type request struct {
	Path    string
	Options Options
}

// The answer is a stream of JSON lines: a header and a manifest for each object, then a header that ends it. An
// answer without its end is none.
type header struct {
	Origin  Origin
	Hook    *Hook    `json:",omitempty"`
	Count   int      // in the last header, which has End
	End     bool     `json:",omitempty"`
	Inputs  []string `json:",omitempty"` // as Options.Inputs is told
	Asked   []string `json:",omitempty"` // as Options.Asked is told
	Files   []string `json:",omitempty"` // as Options.Files is told
	Refusal *refusal `json:",omitempty"` // the error of Dir
}

// refusal is an error of Dir in parts, so that its reader can tell what it was.
type refusal struct {
	Text     string
	Hints    []string `json:",omitempty"`
	Problems Problems `json:",omitempty"`
	Empty    bool     `json:",omitempty"`

	Needs []chart.Need `json:",omitempty"` // charts to fetch before this can be rendered
}

const maxAnswer = 512 << 20 // bytes of all objects on the wire

var errAnswerTooLong = errors.New("the answer is too long")

// told is what Dir told the functions of its options.
type told struct{ inputs, asked, files []string }

// writeAnswer writes what Dir returned and told.
func writeAnswer(w io.Writer, objects []Object, t told, failure error) error {
	out := bufio.NewWriterSize(w, 64<<10)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, o := range objects {
		if err := encoder.Encode(header{Origin: o.Origin, Hook: o.Hook}); err != nil {
			return err
		}
		if err := encoder.Encode(o.Object); err != nil {
			return err
		}
	}
	if err := encoder.Encode(header{End: true, Count: len(objects), Inputs: t.inputs, Asked: t.asked, Files: t.files, Refusal: refuse(failure)}); err != nil {
		return err
	}
	return out.Flush()
}

func refuse(err error) *refusal {
	if err == nil {
		return nil
	}
	r := &refusal{Text: err.Error(), Hints: hint.Of(err), Empty: errors.Is(err, ErrEmpty)}
	var needs *needsError
	if errors.As(err, &needs) {
		r.Needs = needs.needs
	}
	if !errors.As(err, &r.Problems) {
		var one Problem
		if errors.As(err, &one) {
			r.Problems = Problems{one}
		}
	}
	return r
}

// err is the error again: the same text and hints, and the same answers to errors.Is(ErrEmpty) and errors.As(Problems).
func (r *refusal) err() error {
	if r == nil {
		return nil
	}
	sent := &sentError{text: r.Text}
	if r.Empty {
		sent.causes = append(sent.causes, ErrEmpty)
	}
	if len(r.Needs) > 0 && len(r.Problems) == 1 {
		return &needsError{r.Problems[0], r.Needs}
	}
	var err error = sent
	if len(r.Problems) > 0 {
		if sent.causes = append(sent.causes, r.Problems); r.Problems.Error() == r.Text {
			err = r.Problems
		}
	}
	known := map[string]bool{}
	for _, h := range hint.Of(err) {
		known[h] = true
	}
	for i := len(r.Hints) - 1; i >= 0; i-- { // the outermost is the first
		if !known[r.Hints[i]] {
			err = hint.With(err, "%s", r.Hints[i])
		}
	}
	return err
}

type sentError struct {
	text   string
	causes []error
}

// Error returns the text of the error that was sent.
func (e *sentError) Error() string { return e.text }

// Unwrap returns what callers ask for.
func (e *sentError) Unwrap() []error { return e.causes }

// answer is what a child says: objects, or the refusal.
type answer struct {
	objects []Object
	told
	refusal error
}

// readAnswer reads what writeAnswer wrote. broken says that this is no whole answer.
func readAnswer(r io.Reader, limits Limits) (a answer, broken error) {
	bounded := &io.LimitedReader{R: r, N: maxAnswer + 1}
	in := bufio.NewReaderSize(bounded, 64<<10)
	line := func() ([]byte, error) {
		text, err := in.ReadBytes('\n')
		if err != nil && bounded.N <= 0 {
			return nil, errAnswerTooLong
		}
		return text, err
	}
	for {
		text, err := line()
		if err != nil {
			return answer{}, err
		}
		var h header
		if err := json.Unmarshal(text, &h); err != nil {
			return answer{}, fmt.Errorf("unreadable answer: %w", err)
		}
		if h.End {
			if h.Count != len(a.objects) {
				return answer{}, fmt.Errorf("%d objects announced, %d sent", h.Count, len(a.objects))
			}
			a.told, a.refusal = told{h.Inputs, h.Asked, h.Files}, h.Refusal.err()
			return a, nil
		}
		if len(a.objects) == limits.Objects {
			return answer{}, errAnswerTooLong
		}
		if text, err = line(); err != nil {
			return answer{}, err
		}
		u := &unstructured.Unstructured{}
		if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &u.Object); err != nil {
			return answer{}, fmt.Errorf("unreadable answer: %w", err)
		}
		a.objects = append(a.objects, Object{Unstructured: u, Origin: h.Origin, Hook: h.Hook})
	}
}
