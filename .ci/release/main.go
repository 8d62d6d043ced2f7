// Command release makes what a release consists of: archives of the plugin, binaries of the action, bills of materials,
// digests, the krew manifest; and it takes the steps of a release in their order. It does NOT sign and upload nothing:
// the workflow does, with the identity of the workflow.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/kubectl-gitops/kubectl-gitops/.ci/release/binary"
)

const usage = `usage: release [flags] STEP VERSION

  prepare    build the action and commit its digests
  tag        build it again, compare, and tag that commit
  publish    at the tag: build everything, compare, and fill the directory -o
  snapshot   build everything from the checkout as it is; VERSION may be left out
  krew       fill in krew/gitops.yaml with the digests in -o, and print it

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage); flags.PrintDefaults() }
	dir := flags.String("dir", "../..", "checkout to release")
	out := flags.String("o", "../../dist/release", "directory to replace")
	platforms := flags.String("platforms", everywhere, "platforms to build for")
	programs := flags.String("programs", binary.Plugin+","+binary.Action, "programs of a snapshot")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() < 1 || flags.NArg() > 2 {
		flags.Usage()
		return errors.New("one step and one version")
	}
	where, err := parsePlatforms(*platforms)
	if err != nil {
		return err
	}
	s := step{builder{dir: *dir, version: strings.TrimPrefix(flags.Arg(1), "v"), log: stderr}, where}
	if s.version == "" {
		if s.version, err = s.snapshotVersion(ctx); err != nil {
			return err
		}
	}
	var files map[string][]byte
	switch flags.Arg(0) {
	case "prepare":
		return s.prepare(ctx)
	case "tag":
		return s.tagIt(ctx)
	case "publish":
		files, err = s.publish(ctx)
	case "snapshot":
		files, err = s.assets(ctx, strings.Split(*programs, ","), where)
	case "krew":
		return s.krew(*out, stdout)
	default:
		flags.Usage()
		return fmt.Errorf("unknown step %q", flags.Arg(0))
	}
	if err != nil {
		return err
	}
	return write(*out, files)
}

// snapshotVersion names the commit. It is older than every release.
func (s step) snapshotVersion(ctx context.Context) (string, error) {
	commit, err := s.git(ctx, "rev-parse", "--short=12", "HEAD")
	return "0.0.0-snapshot.g" + commit, err
}

// krew prints the manifest for the files in dist.
func (s step) krew(dist string, stdout io.Writer) error {
	text, err := os.ReadFile(filepath.Join(s.dir, "krew", "gitops.yaml"))
	if err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(dist, "checksums.txt"))
	if err != nil {
		return fmt.Errorf("build a snapshot first: %w", err)
	}
	manifest, err := krewManifest(text, s.version, sums)
	if err != nil {
		return err
	}
	_, err = stdout.Write(manifest)
	return err
}
