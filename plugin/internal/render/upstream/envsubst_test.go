package upstream

import (
	"strings"
	"testing"

	fluxenvsubst "github.com/fluxcd/pkg/envsubst"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/envsubst"
)

// expressions are texts and values for which ours and Flux' library have to give the same.
var expressions = []string{
	"${A}", "$A $$ $$${A} $${A}", "${A:=${B}x}", "${A-x}", "${A:?x}", "${A:+${B}}", "${A=}", "${A:-x", "${A/x/y}", "${A//\\//$$}", "${A/#a/${B}}", "${A/%a/b}",
	"${A/a/}", "${A/#a/}", "${A///b}", "${A/b//c}", "${A#*[a-z]?}", "${A##*/}", "${A%%.*}", "${A%[x]}", "${A#\\a}", "${A#[^a-c]}", "${A#[]a]}", "${A#[a-]}",
	"${A:1:${B}}", "${A:${B}:2}", "${A::1}", "${A:1::2}", "${A:1:}", "${A:é}", "${A: 1}", "${#A}", "${#}", "${##A}", "${A^^}${B,}", "${A,^}", "${A^x}", "a ${ b", "${A:=\n}",
	"${A#x${B}}", "${unset:=pre${B}$$${A}}", "${unset:=$${B}}", "${A/${B}/${B}}", "${A/x} y/z}", "\\${A}", "${éa}", "${1}", "${A#*a*b?}", "${A%?}", "${A#${B}}", "${${A}}",
}

func FuzzExpandAsFlux(f *testing.F) {
	for _, text := range expressions {
		for _, values := range [][2]string{{"abcABC123abc", "2"}, {"/home/x.tar.gz", "*"}, {"", "-1"}, {"éa", "[a"}, {"a", "é?"}} {
			f.Add(text, values[0], values[1])
		}
	}
	f.Fuzz(func(t *testing.T, text, a, b string) {
		if strings.ContainsRune(text, 0) {
			t.Skip("Flux' parser takes NUL for the end; no YAML holds one")
		}
		values := map[string]string{"A": a, "B": b}
		want, wantErr := flux(text, values)
		template, err := envsubst.Parse(text)
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("%q: %v, and Flux: %v", text, err, wantErr)
		}
		if err != nil {
			return
		}
		budget := envsubst.Budget{Bytes: 1 << 24, Steps: 1 << 28}
		got, err := template.Expand(func(name string) (string, bool) { return values[name], true }, &budget)
		if err != nil {
			t.Skip(err)
		}
		if got.Text != want {
			t.Errorf("%q with A=%q B=%q\nbecomes %q\nand with Flux %q", text, a, b, got.Text, want)
		}
	})
}

func flux(text string, values map[string]string) (string, error) {
	return fluxenvsubst.Eval(text, func(name string) (string, bool) { return values[name], true })
}
