package plugin

import (
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
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
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
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { tty.Close() })
	return tty
}

func TestUIFollowsTheTerminal(t *testing.T) {
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
			u := newUI(genericiooptions.IOStreams{Out: c.out, ErrOut: c.err}, c.color)
			if u.colorOut != c.colorO || u.colorErr != c.colE || u.ascii != c.ascii || u.width != c.width || u.tty != (c.width > 0) {
				t.Errorf("colour of stdout %v, of stderr %v, ASCII %v, width %d, terminal %v", u.colorOut, u.colorErr, u.ascii, u.width, u.tty)
			}
		})
	}
}

func TestColorFlag(t *testing.T) {
	if err := checkColor("sometimes"); err == nil {
		t.Error("an unknown value was accepted")
	}
	for _, v := range []string{"auto", "always", "never"} {
		if err := checkColor(v); err != nil {
			t.Error(err)
		}
	}
}
