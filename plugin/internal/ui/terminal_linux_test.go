package ui

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// terminal opens a pseudo terminal of the given width and returns the side a program writes to.
func terminal(t *testing.T, width uint16) *os.File {
	t.Helper()
	tty, _ := terminalAndScreen(t, width)
	return tty
}

// terminalAndScreen also returns the side that gets what was written.
func terminalAndScreen(t *testing.T, width uint16) (tty, master *os.File) {
	t.Helper()
	var err error
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: width, Row: 24}); err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { tty.Close() })
	return tty, master
}

// TestAttackTemplatesOnATerminal: a template prints a value as it is, and steers no terminal with it.
func TestAttackTemplatesOnATerminal(t *testing.T) {
	list := statusList()
	list.Items = list.Items[:1]
	for name, c := range map[string]struct{ message, want string }{
		"X16 text that turns":          {"a\u202eb\u2066c", `a\u202eb\u2066c`},
		"X16 an escape character":      {"a\x1b[2Jb", "a^[[2Jb"},
		"X16 a character that erases":  {"a\bb\rc", `a\bb\rc`},
		"X16 beside it: lines":         {"first\nsecond\tcolumn", "first\r\nsecond\tcolumn"}, // as a terminal takes them
		"X16 beside it: other scripts": {"Grüße, שלום", "Grüße, שלום"},
	} {
		t.Run(name, func(t *testing.T) {
			list.Items[0].Message = c.message
			for _, format := range []string{"jsonpath={.items[0].message}", "go-template={{(index .items 0).message}}"} {
				tty, screen := terminalAndScreen(t, 200)
				o := Output{Format: format}
				if _, err := o.Print(tty, list, nil); err != nil {
					t.Fatal(err)
				}
				if _, err := tty.WriteString("|"); err != nil {
					t.Fatal(err)
				}
				got, err := bufio.NewReader(screen).ReadString('|')
				if err != nil || got != c.want+"|" {
					t.Errorf("-o %s printed %q, %v", format, got, err)
				}
				var pipe bytes.Buffer
				if _, err := o.Print(&pipe, list, nil); err != nil || pipe.String() != c.message {
					t.Errorf("-o %s printed %q into a pipe, %v", format, pipe.String(), err)
				}
			}
		})
	}
}

func TestTerminalIsFollowed(t *testing.T) {
	tty := terminal(t, 72)
	for _, c := range []struct {
		name, color  string
		env          map[string]string
		out, err     io.Writer
		colorO, colE bool
		ascii        bool
		width        int
	}{
		{name: "a terminal", color: "auto", out: tty, err: tty, colorO: true, colE: true, width: 72},
		{name: "NO_COLOR", color: "auto", env: map[string]string{"NO_COLOR": "1"}, out: tty, err: tty, width: 72},
		{name: "a dumb terminal", color: "auto", env: map[string]string{"TERM": "dumb"}, out: tty, err: tty, width: 72},
		{name: "--color=never", color: "never", out: tty, err: tty, width: 72},
		{name: "stdout in a pipe", color: "auto", out: &bytes.Buffer{}, err: tty, colE: true},
		{name: "--color=always in a pipe", color: "always", env: map[string]string{"NO_COLOR": "1"}, out: &bytes.Buffer{}, err: &bytes.Buffer{}, colorO: true, colE: true},
		{name: "C locale", color: "auto", env: map[string]string{"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, out: tty, err: tty, colorO: true, colE: true, ascii: true, width: 72},
		{name: "no locale", color: "auto", env: map[string]string{"LANG": ""}, out: tty, err: tty, colorO: true, colE: true, ascii: true, width: 72},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("NO_COLOR", "")
			os.Unsetenv("NO_COLOR")
			t.Setenv("TERM", "xterm")
			t.Setenv("LC_ALL", "")
			t.Setenv("LC_CTYPE", "")
			t.Setenv("LANG", "en_GB.utf8")
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			u := New(genericiooptions.IOStreams{Out: c.out, ErrOut: c.err}, c.color)
			if u.colorOut != c.colorO || u.colorErr != c.colE || u.ascii != c.ascii || u.width != c.width || u.tty != (c.width > 0) {
				t.Errorf("colour of stdout %v, of stderr %v, ASCII %v, width %d, terminal %v", u.colorOut, u.colorErr, u.ascii, u.width, u.tty)
			}
		})
	}
}

func TestColorFlag(t *testing.T) {
	if err := CheckColor("sometimes"); err == nil {
		t.Error("an unknown value was accepted")
	}
	for _, v := range []string{"auto", "always", "never"} {
		if err := CheckColor(v); err != nil {
			t.Error(err)
		}
	}
}
