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
