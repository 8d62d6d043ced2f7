// Command image builds the container image of kubectl-gitops without a container runtime and without a base image: an
// index with one static binary per platform, written as one file that `ctr image import`, `docker load`, `podman load`
// and `skopeo copy oci-archive:` read. The same commit, Go version and flags give the same digest, which it prints.
//
// It does NOT talk to a registry, and it is part of neither half: it only packs what `go build` makes of them.
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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run writes the file and prints NAME@DIGEST on stdout.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("dir", "../..", "checkout that holds ./cmd/kubectl-gitops")
	out := flags.String("o", "../../dist/image.tar", "file to write")
	name := flags.String("name", "ghcr.io/kubectl-gitops/kubectl-gitops:dev", "name of the image")
	version := flags.String("version", "", "version of a release; otherwise what Go takes from the last tag")
	platforms := flags.String("platforms", "linux/amd64,linux/arm64", "platforms of the index")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	tmp, err := os.MkdirTemp("", "gitops-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	var binaries []binary.Binary
	for _, name := range strings.Split(*platforms, ",") {
		platform, err := binary.ParsePlatform(name)
		if err != nil || platform.OS != "linux" {
			return fmt.Errorf("platform %q: use linux/ARCHITECTURE", name)
		}
		b, err := binary.Compile(ctx, stderr, *dir, filepath.Join(tmp, platform.Arch, binary.Plugin), binary.Plugin, platform, *version)
		if err != nil {
			return err
		}
		binaries = append(binaries, b)
	}
	index, err := newIndex(binaries)
	if err != nil {
		return fmt.Errorf("put the image together: %w", err)
	}
	digest, err := writeArchive(*out, *name, index)
	if err != nil {
		return fmt.Errorf("write %s: %w", *out, err)
	}
	fmt.Fprintf(stdout, "%s@%s\n", *name, digest)
	return nil
}
