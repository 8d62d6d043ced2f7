package ui

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
)

// Terminal is the streams that a command prints to, and what they can show. Several goroutines may call its methods, and the
// functions of this package that print on it.
type Terminal struct {
	wording
	In       io.Reader
	Out, Err io.Writer

	NoHeaders bool // tables have no line with the names of columns

	tty      bool // Out is a terminal: tables fit its width
	moves    bool // the terminal's cursor can be moved
	width    int  // of the terminal, in cells; 0 is unlimited
	colorOut bool
	colorErr bool
	reserved bool         // Out belongs to -o json and the like
	log      *slog.Logger // instead of lines for people, see SetLog

	mu sync.Mutex
}

// New returns a Terminal on streams. color is a value of --color (see CheckColor). With ColorAuto, the terminal, TERM,
// NO_COLOR and the rules of kubectl decide.
func New(streams genericiooptions.IOStreams, color string) *Terminal {
	t := &Terminal{
		wording: wording{ascii: !utf8Locale(os.Getenv), now: time.Now},
		In:      streams.In, Out: streams.Out, Err: streams.ErrOut,
		tty: printers.IsTerminal(streams.Out),
	}
	t.moves = t.tty && os.Getenv("TERM") != "dumb"
	switch color {
	case ColorAlways:
		t.colorOut, t.colorErr = true, true
	case ColorNever:
	default:
		t.colorOut, t.colorErr = printers.AllowsColorOutput(streams.Out), printers.AllowsColorOutput(streams.ErrOut)
	}
	if f, ok := streams.Out.(*os.File); ok && t.tty {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			t.width = w
		}
	}
	return t
}

// utf8Locale tells whether the locale's character set is UTF-8, by the first variable that is set, as POSIX has it.
// Windows knows no such variables; its newer terminal speaks UTF-8.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return runtime.GOOS == "windows" && getenv("WT_SESSION") != ""
}

// ReserveOut keeps Out free for one document: from now on, lines of changes and summaries go to Err.
func (t *Terminal) ReserveOut() { t.reserved = true }

// Lines returns the stream for lines of changes and summaries: Out, or Err after ReserveOut.
func (t *Terminal) Lines() io.Writer {
	w, _ := t.lines()
	return w
}

// lines is where lines of changes and summaries go, and whether they are coloured.
func (t *Terminal) lines() (io.Writer, bool) {
	if t.reserved {
		return t.Err, t.colorErr
	}
	return t.Out, t.colorOut
}

// Repaint makes room for the next table of `status -w`. On a terminal it clears the screen, otherwise it prints an empty line.
func (t *Terminal) Repaint() {
	if t.moves {
		fmt.Fprint(t.Out, "\x1b[H\x1b[2J")
		return
	}
	fmt.Fprintln(t.Out)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
