//go:build unix

package render

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// hanging makes a named pipe that a hanging renderer holds open, and returns functions that wait until it hangs and
// until it is gone.
func hanging(t *testing.T) (dir string, hangs, gone func()) {
	t.Helper()
	dir = t.TempDir()
	name := filepath.Join(dir, "ready")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Skip(err)
	}
	var in *bufio.Reader
	hangs = func() {
		f, err := os.Open(name) // waits for the child
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		_ = f.SetReadDeadline(time.Now().Add(30 * time.Second))
		in = bufio.NewReader(f)
		if line, err := in.ReadString('\n'); err != nil {
			t.Fatal(line, err)
		}
	}
	gone = func() {
		if rest, err := io.ReadAll(in); err != nil {
			t.Errorf("the child is still there: %q %v", rest, err)
		}
	}
	return dir, hangs, gone
}

func TestAChildEndsWithItsContext(t *testing.T) {
	dir, hangs, gone := hanging(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { hangs(); cancel() }()
	_, err := worker(t, "hang").Dir(ctx, openRoot(t, dir), ".", Options{})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	gone()
}

func TestAChildDoesNotOutliveItsParent(t *testing.T) {
	dir, hangs, gone := hanging(t)
	parent := exec.Command(worker(t, "").Command[0], "parent", dir)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	hangs()
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	gone()
}
