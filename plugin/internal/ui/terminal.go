package plugin

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

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// The rules of what people see:
//
//   - Data goes to Out; progress, warnings, errors and hints go to Err. With -o json and the like Out carries that
//     and nothing else (see reserveOut).
//   - Words carry the meaning, colour repeats it: without colour nothing is lost.
//   - Off a terminal the lines are the same, never cut, never repainted.
//   - What comes from Git or the cluster is escaped: it cannot move the cursor, start a line or reorder text.

// The values of --color.
const (
	colorAuto   = "auto"
	colorAlways = "always"
	colorNever  = "never"
)

// ui prints for people. Its methods may be called from several goroutines.
type ui struct {
	In       io.Reader
	Out, Err io.Writer

	Namespace string // of the instance; told when it holds no apps
	noHeaders bool   // tables have no first line
	DryRun    bool   // lines of changes say that nothing was written

	now      func() time.Time
	tty      bool // Out is a terminal: tables fit its width
	moves    bool // the terminal's cursor can be moved
	width    int  // of the terminal, in cells; 0 is unlimited
	colorOut bool
	colorErr bool
	ascii    bool         // the locale is not UTF-8
	reserved bool         // Out belongs to -o json and the like
	log      *slog.Logger // instead of lines for people, see setLog

	mu      sync.Mutex
	waiting map[string]string // app and object -> the state last told
}

// newUI returns a ui on streams. color is auto, always or never (see checkColor); auto follows the terminal, TERM,
// NO_COLOR and the rules of kubectl.
func newUI(streams genericiooptions.IOStreams, color string) *ui {
	u := &ui{
		In: streams.In, Out: streams.Out, Err: streams.ErrOut,
		now:     time.Now,
		tty:     printers.IsTerminal(streams.Out),
		ascii:   !utf8Locale(os.Getenv),
		waiting: map[string]string{},
	}
	u.moves = u.tty && os.Getenv("TERM") != "dumb"
	switch color {
	case colorAlways:
		u.colorOut, u.colorErr = true, true
	case colorNever:
	default:
		u.colorOut, u.colorErr = printers.AllowsColorOutput(streams.Out), printers.AllowsColorOutput(streams.ErrOut)
	}
	if f, ok := streams.Out.(*os.File); ok && u.tty {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			u.width = w
		}
	}
	return u
}

// checkColor refuses a value of --color that newUI does not know.
func checkColor(color string) error {
	switch color {
	case colorAuto, colorAlways, colorNever:
		return nil
	}
	return hint.Errorf(fmt.Sprintf("unknown value %q of --color", color), "one of: auto, always, never")
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

// reserveOut keeps Out free for one document: lines of changes and summaries go to Err from now on.
func (u *ui) reserveOut() { u.reserved = true }

// lines is where lines of changes and summaries go, and whether they are coloured.
func (u *ui) lines() (io.Writer, bool) {
	if u.reserved {
		return u.Err, u.colorErr
	}
	return u.Out, u.colorOut
}

// repaint starts a new picture of `status -w`: over the old one on a terminal, after an empty line elsewhere.
func (u *ui) repaint() {
	if u.moves {
		fmt.Fprint(u.Out, "\x1b[H\x1b[2J")
		return
	}
	fmt.Fprintln(u.Out)
}

// style is the SGR parameter of a colour; empty is none.
type style string

const (
	plain  style = ""
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	blue   style = "34"
	grey   style = "90"
)

func paint(on bool, s style, text string) string {
	if !on || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// styleOf is the colour of a word of the vocabulary.
func styleOf(word string) style {
	switch word {
	case "Synced", "Healthy", "Succeeded":
		return green
	case "Drifted", "Reverted", "Missing", "reverted":
		return yellow
	case "Pending", "Progressing":
		return blue
	case "Failed", "Degraded", "failed":
		return red
	case "Suspended", "Unknown":
		return grey
	}
	return plain
}
