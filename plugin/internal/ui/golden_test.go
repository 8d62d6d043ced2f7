package ui

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// noon is when every golden file was printed.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// form is one way of looking at the output.
type form struct {
	name       string
	tty, color bool
	width      int
	ascii      bool
}

func forms() []form {
	return []form{
		{name: "terminal", tty: true, color: true, width: 120},
		{name: "NO_COLOR", tty: true, width: 120},
		{name: "80 columns", tty: true, width: 80},
		{name: "60 columns", tty: true, width: 60},
		{name: "pipe"},
		{name: "pipe, C locale", ascii: true},
	}
}

func (f form) terminal(out, err io.Writer) *Terminal {
	return &Terminal{
		wording: wording{ascii: f.ascii, now: func() time.Time { return noon }},
		Out:     out, Err: err,
		tty: f.tty, width: f.width, colorOut: f.color, colorErr: f.color,
	}
}

// goldenForms compares what show prints, in every form, with testdata/golden/name.txtar. UPDATE_GOLDEN=1 rewrites it.
// Escape characters are written as ^[ there.
func goldenForms(t *testing.T, name string, show func(*Terminal)) {
	t.Helper()
	var got txtar.Archive
	for _, f := range forms() {
		var out, err bytes.Buffer
		show(f.terminal(&out, &err))
		got.Files = append(got.Files, section(f.name+", stdout", out.String())...)
		got.Files = append(got.Files, section(f.name+", stderr", err.String())...)
	}
	golden(t, name+".txtar", string(txtar.Format(&got)))
}

func section(name, text string) []txtar.File {
	if text == "" {
		return nil
	}
	return []txtar.File{{Name: name, Data: []byte(strings.ReplaceAll(text, "\x1b", "^["))}}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (- want, + got); UPDATE_GOLDEN=1 accepts it:\n%s", path, diff)
	}
}
