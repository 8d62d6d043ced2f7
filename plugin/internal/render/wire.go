package render

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// request is what a child reads: one line of JSON, and then the archives, one after the other.
type request struct {
	Path     string
	Options  Options    // without Archives
	Archives []archived `json:",omitempty"`

	Read *chart.Need `json:",omitempty"` // instead of a directory: a text to the end of the input
	text io.Reader
}

// archived is a fetched chart in a request.
type archived struct {
	Key  string
	Size int
}

// writeRequest writes a request. The archives are not copied.
func writeRequest(w io.Writer, r request) error {
	archives := r.Options.Archives
	r.Options.Archives, r.Archives = nil, nil
	for _, key := range slices.Sorted(maps.Keys(archives)) {
		r.Archives = append(r.Archives, archived{key, len(archives[key])})
	}
	if err := json.NewEncoder(w).Encode(r); err != nil {
		return err
	}
	for _, a := range r.Archives {
		if _, err := w.Write(archives[a.Key]); err != nil {
			return err
		}
	}
	return nil
}

// readRequest reads what writeRequest wrote.
func readRequest(in *bufio.Reader) (r request, err error) {
	text, err := in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err == nil && len(r.Archives) > 0 {
		r.Options.Archives = map[string][]byte{}
	}
	for _, a := range r.Archives {
		if err != nil || a.Size < 0 || a.Size > maxArchives {
			break
		}
		data := make([]byte, a.Size)
		_, err = io.ReadFull(in, data)
		r.Options.Archives[a.Key] = data
	}
	if err != nil {
		err = fmt.Errorf("read the request: %w", err)
	}
	return r, err
}

// The answer is a stream of JSON lines: a header and a manifest for each object, then a header that ends it. An
// answer without its end is none.
type header struct {
	Origin  Origin
	Hook    *Hook           `json:",omitempty"`
	Differs []string        `json:",omitempty"` // Object.Generated
	Count   int             // in the last header, which has End
	End     bool            `json:",omitempty"`
	Inputs  *[]string       `json:",omitempty"` // as Options.Inputs is told
	Asked   []string        `json:",omitempty"` // as Options.Asked is told
	Files   []string        `json:",omitempty"` // as Options.Files is told
	Hidden  [][]byte        `json:",omitempty"` // as Object.Hidden has them
	Found   json.RawMessage `json:",omitempty"` // of Isolated.Read
	Refusal *refusal        `json:",omitempty"` // the error of Dir
}

// refusal is an error of Dir in parts, so that its reader can tell what it was.
type refusal struct {
	Text     string
	Hints    []string `json:",omitempty"`
	Problems Problems `json:",omitempty"`
	Empty    bool     `json:",omitempty"`

	Lacking []string `json:",omitempty"` // files whose contents are not in the checkout

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
		if err := encoder.Encode(header{Origin: o.Origin, Hook: o.Hook, Differs: o.Generated}); err != nil {
			return err
		}
		if err := encoder.Encode(o.Object); err != nil {
			return err
		}
	}
	if err := encoder.Encode(header{End: true, Count: len(objects), Inputs: &t.inputs, Asked: t.asked, Files: t.files, Hidden: hiddenOf(objects), Refusal: refuse(failure)}); err != nil {
		return err
	}
	return out.Flush()
}

func hiddenOf(objects []Object) (values [][]byte) {
	if len(objects) > 0 {
		for _, value := range objects[0].Hidden.All() {
			values = append(values, []byte(value))
		}
	}
	return values
}

// hide gives objects the values that were sent with them.
func hide(objects []Object, values [][]byte) {
	from := map[string]string{}
	for _, value := range values {
		from[string(value)] = ""
	}
	hidden := sealed.New(from)
	for i := range objects {
		objects[i].Hidden = hidden
	}
}

func refuse(err error) *refusal {
	if err == nil {
		return nil
	}
	r := &refusal{Text: err.Error(), Hints: hint.Of(err), Empty: errors.Is(err, ErrEmpty)}
	var lacking *lackingError
	if errors.As(err, &lacking) {
		r.Lacking = lacking.paths
	}
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
	if len(r.Lacking) > 0 {
		return &lackingError{r.Lacking}
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
	found   json.RawMessage
	refusal error
	stderr  string // what the child said beside it
}

// perByte is about how many bytes of memory a byte of an answer takes as an object.
const perByte = 6

// chunks are a text in pieces that are let go as they are read.
type chunks [][]byte

const chunkBytes = 1 << 20

// readAll reads r to its end, as far as there is room.
func readAll(r io.Reader, share *memory.Share) (text chunks, err error) {
	for {
		if len(text) >= maxAnswer/chunkBytes {
			return nil, errAnswerTooLong
		}
		if err := share.Room(2 * chunkBytes); len(text) > 0 && err != nil {
			return nil, err
		}
		var piece bytes.Buffer
		n, err := io.CopyN(&piece, r, chunkBytes)
		if n > 0 {
			text = append(text, piece.Bytes())
		}
		if errors.Is(err, io.EOF) {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (c chunks) size() (n int64) {
	for _, piece := range c {
		n += int64(len(piece))
	}
	return n
}

// Read implements io.Reader.
func (c *chunks) Read(p []byte) (int, error) {
	if len(*c) == 0 {
		return 0, io.EOF
	}
	n := copy(p, (*c)[0])
	if (*c)[0] = (*c)[0][n:]; len((*c)[0]) == 0 {
		(*c)[0], *c = nil, (*c)[1:]
	}
	return n, nil
}

// readAnswer reads what writeAnswer wrote. broken says that this is no whole answer, or that there is no room for it.
func readAnswer(r io.Reader, limits Limits, share *memory.Share) (a answer, broken error) {
	in := bufio.NewReaderSize(r, 64<<10)
	unchecked := 0
	line := func() ([]byte, error) {
		text, err := in.ReadBytes('\n')
		if unchecked += len(text); err == nil && unchecked >= chunkBytes {
			err = share.Room(int64(len(text)) * perByte)
			unchecked = 0
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
			hide(a.objects, h.Hidden)
			a.told, a.found, a.refusal = told{nil, h.Asked, h.Files}, h.Found, h.Refusal.err()
			if h.Inputs != nil {
				a.inputs = *h.Inputs
			}
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
		a.objects = append(a.objects, Object{Unstructured: u, Origin: h.Origin, Hook: h.Hook, Generated: h.Differs})
	}
}

const maxArchives = 64 << 20 // bytes of fetched charts for one render
