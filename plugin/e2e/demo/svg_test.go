package main

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"
)

func TestSpans(t *testing.T) {
	got := spans("a \x1b[32mgreen\x1b[0m, \x1b[31mred\x1b[0m")
	want := []span{{"a ", ""}, {"green", "32"}, {", ", ""}, {"red", "31"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPictureIsValidAndHoldsWhatWasPrinted(t *testing.T) {
	picture := svg([]string{"$ kubectl gitops status", "a <b> & \x1b[33mreverted\x1b[0m"}, themes[1], `"quoted" <title>`)
	var doc struct {
		Text []string `xml:"g>text"`
	}
	if err := xml.Unmarshal([]byte(picture), &doc); err != nil {
		t.Fatalf("%v\n%s", err, picture)
	}
	if got := strings.ReplaceAll(strings.Join(doc.Text, "|"), "\u00a0", " "); got != "$ |kubectl gitops status|a <b> & |reverted" {
		t.Errorf("the picture holds %q", got)
	}
	if !strings.Contains(picture, themes[1].colours["33"]) {
		t.Error("no colour")
	}
}
