package bumper

import (
	"strings"
	"testing"
)

// The proof is the last line of defence, so it is tested with edits that the rest of the package would not make.
func TestProof(t *testing.T) {
	const doc = "# head\na: &x old # c\nb: *x\nc: 1\nd: [p, q]\n---\ne: 'old'\n"
	for name, c := range map[string]struct{ edited, refusal string }{
		"the edit":            {"# head\na: &x new # c\nb: *x\nc: 1\nd: [p, q]\n---\ne: 'old'\n", ""},
		"the edit, in quotes": {"# head\na: &x \"new\" # c\nb: *x\nc: 1\nd: [p, q]\n---\ne: 'old'\n", ""},
		"another value":       {"# head\na: &x newer # c\nb: *x\nc: 1\nd: [p, q]\n---\ne: 'old'\n", "would also change line 2"},
		"another type":        {"# head\na: &x 0755 # c\nb: *x\nc: 1\nd: [p, q]\n---\ne: 'old'\n", "would also change line 2"},
		"anchor lost":         {"# head\na: new # c\nb: &x old\nc: 1\nd: [p, q]\n---\ne: 'old'\n", "would also change line 2"},
		"alias replaced":      {"# head\na: &x new # c\nb: new\nc: 1\nd: [p, q]\n---\ne: 'old'\n", "would also change line 3"},
		"other value":         {"# head\na: &x new # c\nb: *x\nc: 2\nd: [p, q]\n---\ne: 'old'\n", "would also change line 4"},
		"other type":          {"# head\na: &x new # c\nb: *x\nc: \"1\"\nd: [p, q]\n---\ne: 'old'\n", "would also change line 4"},
		"item lost":           {"# head\na: &x new # c\nb: *x\nc: 1\nd: [p]\n---\ne: 'old'\n", "would also change line 5"},
		"key renamed":         {"# head\na: &x new # c\nb: *x\nz: 1\nd: [p, q]\n---\ne: 'old'\n", "would also change line 4"},
		"other quotes":        {"# head\na: &x new # c\nb: *x\nc: 1\nd: [p, q]\n---\ne: old\n", "would also change line 7"},
		"document lost":       {"# head\na: &x new # c\nb: *x\nc: 1\nd: [p, q]\n", "another number of documents"},
		"does not parse":      {"# head\na: &x new: # c\nb: *x\nc: 1: 2\n", "would not parse"},
	} {
		d, err := parseDocument(File{Path: "f.yaml", Data: []byte(doc)})
		if err != nil {
			t.Fatal(err)
		}
		w, err := findIn(d)
		if err != nil {
			t.Fatal(err)
		}
		refusal := d.prove([]byte(c.edited), []wanted{{at: w.scalars[0], value: "new"}})
		switch {
		case (refusal == nil) != (c.refusal == ""):
			t.Errorf("%s: got %v", name, refusal)
		case refusal != nil && (!strings.Contains(refusal.Reason, c.refusal) || refusal.Line != 2 || refusal.Column != 7):
			t.Errorf("%s: got %v, want %q at 2:7", name, refusal, c.refusal)
		}
	}
}

func TestProofWantsText(t *testing.T) {
	d, err := parseDocument(File{Path: "f.yaml", Data: []byte("tag: v1\n")})
	if err != nil {
		t.Fatal(err)
	}
	w, err := findIn(d)
	if err != nil {
		t.Fatal(err)
	}
	edit := []wanted{{at: w.scalars[0], value: "0755"}}
	if refusal := d.prove([]byte("tag: \"0755\"\n"), edit); refusal != nil {
		t.Errorf("text: %v", refusal)
	}
	if refusal := d.prove([]byte("tag: 0755\n"), edit); refusal == nil {
		t.Error("a number is accepted for text")
	}
}

// A parser that reports the wrong place must not lead to an edit there, even if the text there is the same.
func TestWrongPositionIsCaught(t *testing.T) {
	d, err := parseDocument(File{Path: "f.yaml", Data: []byte("a: old\nb: old\n")})
	if err != nil {
		t.Fatal(err)
	}
	w, err := findIn(d)
	if err != nil {
		t.Fatal(err)
	}
	w.scalars[0].node.Line = 2
	if data, _, refusal := d.splice([]wanted{{at: w.scalars[0], value: "new"}}); refusal == nil {
		t.Errorf("edited to %q", data)
	}
}

func TestClassify(t *testing.T) {
	for want, texts := range map[scalarType][]string{
		typeNull:   {"", "~", "null", "NULL"},
		typeBool:   {"y", "N", "yes", "No", "on", "OFF", "true", "False"},
		typeInt:    {"0", "-1", "+2", "0755", "0o17", "0x1F", "0b101", "1_000", "190:20:30", "1234567"},
		typeFloat:  {"1.30", "1e3", "12e4567", ".5", "-.inf", ".NaN", "1.", "190:20:30.15"},
		typeTime:   {"2026-01-01", "2026-1-1", "2026-01-01T10:00:00Z", "2026-01-01 1:2:3"},
		typeMerge:  {"<<", "="},
		typeString: {"v1", "1.8.2", "1a2b3c4", "1.30-alpine", "2026-01", "main", "none", "x1e3"},
	} {
		for _, text := range texts {
			if got := classify(text); got != want {
				t.Errorf("classify(%q) = %d, want %d", text, got, want)
			}
		}
	}
}
