package envsubst

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

var enough = Budget{Bytes: 1 << 20, Steps: 1 << 24}

// expand replaces the expressions of a text; an error is its text.
func expand(text string, values map[string]string) string {
	t, err := Parse(text)
	if err != nil {
		return "error: " + err.Error()
	}
	budget := enough
	result, err := t.Expand(func(name string) (string, bool) { return values[name], true }, &budget)
	if err != nil {
		return "error: " + err.Error()
	}
	return result.Text
}

// What Flux documents (https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution and the README of
// fluxcd/pkg/envsubst), and what its code does beyond that.
func TestExpand(t *testing.T) {
	values := map[string]string{"A": "abcdEFGH28ij", "url": "/home/bozo/ideas/thoughts.for.today", "z": "abcABC123ABCabc", "file": "bash.string.txt", "path": "/path/to/file",
		"nested": "${A}", "empty": "", "n": "-3", "two": "2", "e": "éÉ", "dots": "a.b.c", "star": "a*b", "slash": "foo/bar/baz", "glob": "*.", "_x1": "x"}
	for _, tt := range []struct{ text, want string }{
		{"no variable $A $ $1 {A} $(A)", "no variable $A $ $1 {A} $(A)"},
		{"${A}", "abcdEFGH28ij"},
		{"<${A}${_x1}>", "<abcdEFGH28ijx>"},
		{"${unset}|${empty}|${1}", "||"},
		{"${nested}", "${A}"}, // not again

		{"$${A}", "${A}"},
		{"$$${A}", "$abcdEFGH28ij"},
		{"$$$${A}", "$${A}"},
		{"pid $$ cost 5$", "pid $ cost 5$"},
		{`\${A} \\ \/`, `\abcdEFGH28ij \\ \/`},
		{"$${unset:=${A}}", "${unset:=abcdEFGH28ij}"},

		{"${unset:=d} ${unset:-d} ${unset=d}", "d d d"},
		{"${empty:=d} ${empty:-d} ${empty=d}", "d d d"}, // a shell keeps the empty value with =
		{"${A:=d} ${A:-d} ${A=d}", "abcdEFGH28ij abcdEFGH28ij abcdEFGH28ij"},
		{"${unset:?d} ${unset:+d} ${A:+d}", "d d abcdEFGH28ij"}, // otherwise in a shell
		{"${unset:=} ${unset=}|", " |"},
		{"${unset:==x} ${unset:=:-} ${unset:={}}", "=x :- {}"},
		{"${unset:=${A}} ${unset:=${unset:=${two}}}", "abcdEFGH28ij 2"},
		{"${unset:=pre-${two}-${empty:-e}-post}", "pre-2-e-post"},
		{"${unset:=two words}", "two words"},
		{"${unset:=a\n  b}", "a\n  b"},
		{`${unset:=a\/b$$c\}d}`, `a\/b$$c\d}`}, // no escapes in a default
		{"${unset:=$$${two}}", "$$2"},

		{"${A:0:3} ${A:4} ${A:4:2} ${A:4:99}|${A:12}|${A:99}|${A:0:0}|", "abc EFGH28ij EF EFGH28ij||||"},
		{"${A:1:-1} ${A:0:${n}} ${A:99:-1}|${A:5:-8}|${A:0:-12}|${A:0:-99}|", "bcdEFGH28i abcdEFGH2 ||||"},
		{"${A:1:9223372036854775807} ${A:1:-9223372036854775808}|", "bcdEFGH28ij |"},
		{"${A: -3}", "abcdEFGH28ij"}, // otherwise in a shell
		{"${A:x} ${A:1:x} ${A:99:x} ${A:99999999999999999999}", "abcdEFGH28ij abcdEFGH28ij abcdEFGH28ij abcdEFGH28ij"},
		{"${A:${n}} ${A:${n}:${two}} ${A:${two}::3}", "8ij 8i cdE"},
		{"${e:1}", "\xa9É"}, // bytes, not characters

		{"${#A} ${#unset} ${#e}", "12 0 4"},
		{"${A,,} ${A,} ${A^^} ${A^}", "abcdefgh28ij abcdEFGH28ij ABCDEFGH28IJ AbcdEFGH28ij"},
		{"${e,,} ${e^^} ${e^} ${empty^}|", "éé ÉÉ ÉÉ |"},
		{"${A,^} ${A^,}", "abcdEFGH28ij abcdEFGH28ij"},

		{"${z/abc/xyz}", "xyzABC123ABCabc"},
		{"${z//abc/xyz}", "xyzABC123ABCxyz"},
		{"${z/#abc/XYZ} ${z/#b/XYZ}", "XYZABC123ABCabc abcABC123ABCabc"},
		{"${z/%abc/XYZ} ${z/%b/XYZ}", "abcABC123ABCXYZ abcABC123ABCabc"},
		{"${z/abc/} ${z//abc/} ${z/#abc/} ${z/%abc/}", "ABC123ABCabc ABC123ABC abcABC123ABCabc abcABC123ABCabc"}, // the last two: otherwise in a shell
		{"${dots//./-} ${dots/./-}", "a-b-c a-b.c"},
		{"${star/*/-}", "a-b"}, // plain text, no pattern
		{`${slash/\//-} ${slash//\//-} ${slash//\\/-}`, "foo-bar/baz foo-bar-baz foo/bar/baz"},
		{`${dots/./\/} ${dots/./\\} ${dots/./$$} ${dots/./\}}`, `a/b.c a\b.c a$b.c a\b.c}`},
		{"${dots/${unset:=.}/${two}}", "a2b.c"},
		{"${dots/b//x}", "a.x.c"},
		{"${dots/x} and/y}", "a.b.c"}, // the pattern ends at a slash, wherever that is
		{"${empty/${empty}/x} ${two//${empty}/-}", "x -2-"},

		{"${file#*.} ${file##*.}", "string.txt txt"},
		{"${file%.*} ${file%%.*}", "bash.string bash"},
		{"${path#*/} ${path##*/} ${path%/*} ${path%%/*}|", "path/to/file file /path/to |"},
		{"${file#bash} ${file%txt} ${file#x} ${file%x}", ".string.txt bash.string. bash.string.txt bash.string.txt"},
		{"${file#????} ${file##?} ${file%???}", ".string.txt ash.string.txt bash.string."},
		{"${file#[a-c]} ${file#[^x-z]} ${file##[!b]} ${file#[xyz]}", "ash.string.txt ash.string.txt ash.string.txt bash.string.txt"}, // ! is a character
		{`${star#a\*} ${file#*\.} ${file%\.*}`, `b string.txt bash.string.txt`},                                                      // the last one: a backslash does not work with %
		{"${file%[xt]}", "bash.string.txt"},                                                                                          // nor does a class
		{"${file#[} ${file#[a} ${file#a-} ${file##\\}", "bash.string.txt bash.string.txt bash.string.txt bash.string.txt"},
		{"${file###} ${file%%%}", "bash.string.txt bash.string.txt"},
		{"${file##${glob}}", "txt"},
		{"${e#é} ${e#?} ${e%É} ${e%?}", "É \xa9É é é\uFFFD"}, // ? is satisfied with a byte
		{"${A#*} ${A##*}|${A%%*}|", "bcdEFGH28ij ||"},
	} {
		if got := expand(tt.text, values); got != tt.want {
			t.Errorf("%s\nbecomes %q\ninstead of %q", tt.text, got, tt.want)
		}
	}
}

func TestWrongExpressions(t *testing.T) {
	values := map[string]string{"A": "abc"}
	for _, tt := range []struct{ text, want string }{
		{"${", "expression ${: a name has to follow: letters, digits and _"},
		{"${}", "expression ${: a name has to follow: letters, digits and _"},
		{"${ A}", "expression ${: a name has to follow: letters, digits and _"},
		{"${{ github.ref }}", "expression ${: a name has to follow: letters, digits and _"},
		{"${#}", "expression ${: a name has to follow: letters, digits and _"},
		{"${!A}", "expression ${: a name has to follow: letters, digits and _"},
		{"x: ${A", "variable A: the } is missing"},
		{"${A:=x", "variable A: the } is missing"},
		{"${A:", "variable A: the } is missing"},
		{"${A/x/y", "variable A: the } is missing"},
		{"${A/x}", "variable A: the } is missing"}, // a slash, in fact: it is looked for to the end
		{"${A-x}", "variable A: what follows the name is none of } := :- = :0 / // # ## % %% , ,, ^ ^^"},
		{"${A[0]}", "variable A: what follows the name is none of } := :- = :0 / // # ## % %% , ,, ^ ^^"},
		{"${A.b}", "variable A: what follows the name is none of } := :- = :0 / // # ## % %% , ,, ^ ^^"},
		{"${A@Q}", "variable A: what follows the name is none of } := :- = :0 / // # ## % %% , ,, ^ ^^"},
		{"${A:}", "variable A: after :, a text has to follow"},
		{"${A:1:}", "variable A: after :, a text has to follow"},
		{"${A:é}", "variable A: after :, one text or one expression has to follow, and then }"},
		{"${A#}", "variable A: after #, a text has to follow"},
		{"${A#x${A}}", "variable A: after #, one text or one expression has to follow, and then }"},
		{"${A/x/y${A}}", "variable A: after /, one text or one expression has to follow, and then }"},
		{"${A///y}", "variable A: after //, one text or one expression has to follow, and then }"},
		{"${A^x}", "variable A: after ^, one text or one expression has to follow, and then }"},
		{"${#A:=x}", "variable A: after #A, one text or one expression has to follow, and then }"},
		{"${A:=${B}", "variable A: the } is missing"},
		{"ok ${A:=${B-}}", "variable B: what follows the name is none of } := :- = :0 / // # ## % %% , ,, ^ ^^"},
		{strings.Repeat("${A:=", 200), "variable : more than 100 expressions inside each other"},
		{strings.Repeat("${A}", 100_001), "variable : more than 100000 expressions"},
	} {
		want := "error: " + strings.ReplaceAll(tt.want, "variable : ", "expression ${: ")
		if got := expand(tt.text, values); got != want {
			t.Errorf("%.40s\ngives %q\ninstead of %q", tt.text, got, want)
		}
	}
	_, err := Parse("one\ntwo ${A}\nthree ${A:=${B-}}")
	var wrong *Error
	if !errors.As(err, &wrong) || wrong.At != 24 || wrong.Name != "B" {
		t.Errorf("%+v", wrong)
	}
}

// Neither a small text with large values nor a pattern may take all memory, or all time.
func TestBombs(t *testing.T) {
	large := strings.Repeat("a", 1<<20)
	values := map[string]string{"L": large, "M": strings.Repeat("a", 1<<16)}
	for text, want := range map[string]string{
		strings.Repeat("${L}", 1000):                   "too large",
		"${none:=" + strings.Repeat("${L}", 100) + "}": "too large",
		"${L//a/${L}}":                                 "too large",
		"${L//${none}/${L}}":                           "too large",
		strings.Repeat("${L//a/}", 100):                "too large",
		"${M#*a*a*a*a*b}":                              "too long",
		"${M##*a*a*a*a*b}":                             "too long",
		"${M%b*a*a*a*a*}":                              "too long",
		"${M%%[^b]*[^b]*[^b]b":                         "} is missing",
		strings.Repeat("$$", 1<<20) + "${M}":           "",
		strings.Repeat(`${none/\/\/\/\/\/\/x/y}`, 9e4): "",
		strings.Repeat("${none:=}", 9e4):               "",
		strings.Repeat("x ", 1<<20) + "${none#x}":      "",
	} {
		if got := expand(text, values); want == "" && strings.HasPrefix(got, "error") || want != "" && !strings.Contains(got, want) {
			t.Errorf("%.40s: %.100s", text, got)
		}
	}
}

// The budget of several texts is one.
func TestBudget(t *testing.T) {
	template, err := Parse("${A}${A^^}")
	if err != nil {
		t.Fatal(err)
	}
	budget := Budget{Bytes: 20, Steps: 20}
	lookup := func(string) (string, bool) { return "abcd", true }
	for i, want := range []bool{true, true, false} {
		if _, err := template.Expand(lookup, &budget); (err == nil) != want {
			t.Errorf("round %d: %v, left %+v", i, err, budget)
		}
	}
}

// What is not known stays as it is written, with what stands around it.
func TestUnknown(t *testing.T) {
	template, err := Parse("${A} ${B} ${C:=${B}} ${A:=${B}} ${A/x/${B}} ${B:-d} $${A} ${C:=d}")
	if err != nil {
		t.Fatal(err)
	}
	budget := enough
	got, err := template.Expand(func(name string) (string, bool) {
		return map[string]string{"A": "a"}[name], name != "B"
	}, &budget)
	if err != nil {
		t.Fatal(err)
	}
	if want := "a ${B} ${C:=${B}} a ${A/x/${B}} ${B:-d} ${A} d"; got.Text != want {
		t.Errorf("%q\ninstead of %q", got.Text, want)
	}
	if !slices.Equal(got.Kept, []string{"B"}) || !slices.Equal(template.Names(), []string{"A", "B", "C"}) {
		t.Error(got.Kept, template.Names())
	}
}

// A caller that hides values has to hide what operators make of them.
func TestMade(t *testing.T) {
	template, err := Parse("${A} ${A^^} ${A:=x} ${#A} ${none:=${A:0:2}} ${A//b/${B}} ${none^^}")
	if err != nil {
		t.Fatal(err)
	}
	budget := enough
	got, err := template.Expand(func(name string) (string, bool) { return map[string]string{"A": "abc", "B": "-"}[name], true }, &budget)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, m := range got.Made {
		made = append(made, strings.Join(m.Names, ",")+"="+m.Text)
	}
	if want := []string{"A=ABC", "A=ab", "A,B=a-c"}; !slices.Equal(made, want) {
		t.Errorf("%q instead of %q", made, want)
	}
	for _, p := range got.Places {
		if p.Start > p.End || p.End > len(got.Text) || !strings.HasPrefix(template.text[p.At:], "${") {
			t.Errorf("%+v", p)
		}
	}
	if at := got.Places[4]; got.Text[at.Start:at.End] != "ab" || !slices.Equal(at.Names, []string{"none", "A"}) {
		t.Errorf("%+v in %q", at, got.Text)
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"A", "_", "a1_B"} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "1", "a-b", "a.b", "é", "a b", "a\n"} {
		if CheckName(name) == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

// Whatever the text is, nothing panics, and what Parse accepts keeps the text outside of its expressions.
func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"${A}", "$${A}$$", "${A:=${B}x}", "${A/x/y}", "${A//\\//$$}", "${A#*[a-z]?}", "${A%%.*}", "${A:1:${B}}", "${#A}", "${A^^}${B,}", "a ${ b", "${A:=\n}"} {
		f.Add(seed, "value", "1")
	}
	f.Fuzz(func(t *testing.T, text, a, b string) {
		template, err := Parse(text)
		if err != nil {
			var wrong *Error
			if !errors.As(err, &wrong) || wrong.At < 0 || !strings.HasPrefix(text[wrong.At:], "${") {
				t.Fatalf("%#v", err)
			}
			return
		}
		budget := Budget{Bytes: 1 << 16, Steps: 1 << 20}
		got, err := template.Expand(func(name string) (string, bool) {
			return map[string]string{"A": a, "B": b}[name], name != "C"
		}, &budget)
		if err != nil {
			return
		}
		if len(got.Text) > len(text)+1<<16+3*len(a) {
			t.Errorf("%d bytes", len(got.Text))
		}
		if !strings.Contains(text, "$") && got.Text != text {
			t.Errorf("%q becomes %q", text, got.Text)
		}
	})
}
