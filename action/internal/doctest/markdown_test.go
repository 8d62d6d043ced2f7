package doctest

import (
	"slices"
	"testing"
)

func TestLinks(t *testing.T) {
	page := "[a](b.md#c) `[no](d.md)` [web](https://example.com) [![p](p.svg)](q.md)\n```sh\n[no](e.md)\n```\n<img src=\"r.svg\">\n"
	if got, want := Links(page), []string{"b.md#c", "p.svg", "q.md", "r.svg"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAnchors(t *testing.T) {
	page := "# `gitops.yaml`: many apps\n## Flux' way\n```sh\n# no heading\n```\n## [Flux' way](x.md)\n## 1. From a_b - c\n"
	want := []string{"gitopsyaml-many-apps", "flux-way", "flux-way-1", "1-from-a_b---c"}
	if got := Anchors(page); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParagraphs(t *testing.T) {
	page := "one\nline\n\n- two\n  lines\n- three\n\n```\nno\n```\n1. four\n| five |\n"
	want := []string{"one line", "two lines", "three", "four", "five |"}
	if got := Paragraphs(page); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
