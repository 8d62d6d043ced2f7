package render

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// Worker is the child process of Isolated: it reads what to render from in, and writes the answer to out. The program that
// Isolated.Command names must call Worker before anything else, with the two added arguments as args, and exit when Worker
// returns. Nothing else may write to out. Worker also returns when in ends, because nobody waits for the answer then. Its
// error is about the transport; errors of a render are part of the answer. read answers Isolated.Read.
func Worker(args []string, in io.Reader, out io.Writer, read Reader) error {
	return work(args, in, out, Dir, read)
}

// Reader finds in text, which a stranger may have written, what the caller wants to know about the chart n. It returns JSON.
type Reader func(ctx context.Context, text io.Reader, n chart.Need) (json.RawMessage, error)

type dirFunc func(ctx context.Context, root *os.Root, path string, o Options) ([]Object, error)

func work(args []string, in io.Reader, out io.Writer, dir dirFunc, read Reader) error {
	if err := confineTo(args); err != nil {
		return err
	}
	refuseNetwork()
	lines := bufio.NewReader(in)
	r, err := readRequest(lines)
	if err != nil {
		return err
	}
	if r.Read != nil {
		found, err := read(context.Background(), lines, *r.Read)
		return json.NewEncoder(out).Encode(header{End: true, Found: found, Refusal: refuse(err)})
	}
	if runtime.GOOS != "windows" { // there, the program was started in the directory
		if err := os.NewFile(3, "checkout").Chdir(); err != nil {
			return err
		}
	}
	root, err := os.OpenRoot(".")
	if err != nil {
		return err
	}
	// The parent reads these from standard error, among what libraries say there.
	r.Options.warning = func(text string) { fmt.Fprintf(os.Stderr, "%s%s\n", warningPrefix, manifest.Printable(text)) }
	r.Options.progress = func(file string) { fmt.Fprintf(os.Stderr, "%s%s\n", progressPrefix, manifest.Printable(file)) }
	done := make(chan error, 2)
	go func() {
		var said told
		r.Options.Inputs = func(paths []string) { said.inputs = paths }
		r.Options.Asked = func(names []string) { said.asked = names }
		r.Options.Files = func(names []string) { said.files = names }
		objects, err := dir(context.Background(), root, r.Path, r.Options) // a panic ends the program, as it should
		done <- writeAnswer(out, objects, said, sayWall(err))
	}()
	go func() {
		_, err := io.Copy(io.Discard, lines)
		done <- err
	}()
	return <-done
}

// confineTo reads the limits and gives up what a render does not need.
func confineTo(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%d arguments instead of two", len(args))
	}
	memory, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || memory <= 0 {
		return fmt.Errorf("%q is no limit of memory", args[0])
	}
	seconds, err := strconv.ParseUint(args[1], 10, 32)
	if err != nil || seconds == 0 {
		return fmt.Errorf("%q is no limit of processor time", args[1])
	}
	return confine(memory, seconds)
}
