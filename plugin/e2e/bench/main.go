// Command bench compares kubectl-gitops with other ways of applying manifests, on one control plane, in one session,
// taking turns. It writes docs/benchmarks.md.
//
// It does NOT fetch the peers' binaries, it compiles them from the modules that go.mod pins; and it asserts nothing:
// the targets are in the document, met or not.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	sizes   []int
	runs    int
	tools   []string
	cases   []string
	heals   int
	limit   time.Duration
	results string   // file to write the results to
	from    []string // files to read results from, instead of measuring
	out     string   // the document
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := execute(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// execute measures, or reads what was measured, and writes the document.
func execute(ctx context.Context, args []string, log io.Writer) error {
	o, err := parse(args, log)
	if err != nil {
		return err
	}
	sessions, err := load(o.from)
	if err != nil {
		return err
	}
	if len(sessions) == 0 {
		s, failure := measure(ctx, o, log)
		if sessions = append(sessions, s); o.results != "" && len(s.Results)+len(s.Heals) > 0 { // what was measured before a failure, too
			failure = errors.Join(failure, save(o.results, sessions))
		}
		if failure != nil {
			return failure
		}
	}
	return writeDocument(o.out, sessions)
}

func parse(args []string, log io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(log)
	sizes := fs.String("sizes", "100,1000,10000", "numbers of objects, multiples of 100")
	tools := fs.String("only", strings.Join(names(), ","), "tools to run")
	cases := fs.String("cases", strings.Join(caseNames(), ","), "what to measure")
	from := fs.String("from", "", "write the document from these results, measure nothing")
	fs.IntVar(&o.runs, "runs", 5, "runs of each case")
	fs.IntVar(&o.heals, "heals", 200, "edits of the heal case")
	fs.DurationVar(&o.limit, "limit", 2*time.Minute, "a tool whose run takes longer is left out at that size")
	fs.StringVar(&o.results, "results", "", "file for the results as JSON")
	fs.StringVar(&o.out, "o", "", "file for the document (default standard output)")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.tools, o.cases = list(*tools), list(*cases)
	o.from = list(*from)
	for _, s := range list(*sizes) {
		n, err := strconv.Atoi(s)
		if err != nil || n < 100 || n%100 != 0 {
			return o, fmt.Errorf("-sizes %s: not a multiple of 100", s)
		}
		o.sizes = append(o.sizes, n)
	}
	slices.Sort(o.sizes)
	for _, c := range o.cases {
		if !slices.Contains(caseNames(), c) {
			return o, fmt.Errorf("no case %s; they are %v", c, caseNames())
		}
	}
	if o.runs < 1 || o.heals < 1 {
		return o, fmt.Errorf("-runs and -heals are at least 1")
	}
	return o, nil
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
