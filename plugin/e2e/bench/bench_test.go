package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestShortForm runs everything once with few objects. It takes a minute on a quiet machine, more to build the peers.
func TestShortForm(t *testing.T) {
	if os.Getenv("BENCH_SHORT") == "" {
		t.Skip("set BENCH_SHORT=1: it starts a control plane and builds the peers")
	}
	out := filepath.Join(t.TempDir(), "benchmarks.md")
	args := []string{"-sizes", "100", "-runs", "1", "-heals", "10", "-only", "ours,flux,bare", "-o", out}
	var log bytes.Buffer
	if err := execute(t.Context(), args, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	page, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| Prune | Flux' engine |", "| First install | bare loop |", "### Healing in the loop"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
}

func TestASetIsNineKindsInTenNamespacesAndAShorterOneLacksATenth(t *testing.T) {
	for _, size := range []int{100, 1000} {
		whole, shorter := 0, 0
		paths := map[string]bool{}
		for n := range namespaces {
			for _, d := range (set{owner: "x", size: size}).documents(n) {
				paths[d.path] = true
				whole++
			}
			shorter += len((set{owner: "x", size: size, shorter: true}).documents(n))
		}
		if whole != size+namespaces || len(paths) != whole || whole-shorter != size/10 {
			t.Errorf("size %d: %d objects of %d names, %d fewer in a shorter set", size, whole, len(paths), whole-shorter)
		}
	}
}

func TestAuditCountsByUserAndVerbAndEveryRequestOnce(t *testing.T) {
	a := &audit{started: map[string]bool{}, counts: map[string]map[string]int{}}
	for _, line := range []string{
		`{"auditID":"1","stage":"ResponseComplete","verb":"list","user":{"username":"a"},"objectRef":{"resource":"pods"},"requestURI":"/api/v1/pods"}`,
		`{"auditID":"2","stage":"ResponseStarted","verb":"watch","user":{"username":"a"},"objectRef":{"resource":"pods"},"requestURI":"/api/v1/pods?watch=1"}`,
		`{"auditID":"2","stage":"ResponseComplete","verb":"watch","user":{"username":"a"},"objectRef":{"resource":"pods"},"requestURI":"/api/v1/pods?watch=1"}`,
		`{"auditID":"3","stage":"ResponseComplete","verb":"patch","user":{"username":"a"},"objectRef":{"resource":"pods"},"requestURI":"/api/v1/pods/x?dryRun=All"}`,
		`{"auditID":"4","stage":"ResponseComplete","verb":"get","user":{"username":"b"},"requestURI":"/apis"}`,
		`{"auditID":"5","stage":"ResponseComplete","verb":"get","user":{"username":"b"},"requestURI":"/version?marker=M"}`,
	} {
		if err := a.count([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if got := verbs(a.counts["a"]); got != "1 dry-run, 1 list, 1 watch" {
		t.Errorf("a: %s", got)
	}
	if got := verbs(a.counts["b"]); got != "1 discovery" || a.seen != "M" {
		t.Errorf("b: %s, marker %q", got, a.seen)
	}
}

func TestTargetsAreToldMetOrNotMet(t *testing.T) {
	s := session{Results: []result{
		{1000, "noop", "ours", summary{Walls: []time.Duration{100 * time.Millisecond, time.Second, 100 * time.Millisecond}, Peak: 65 << 20, Requests: map[string]int{"list": 10}}},
		{1000, "noop", "flux", summary{Walls: []time.Duration{3 * time.Second, 3 * time.Second, 3 * time.Second}}},
		{1000, "noop", "kapp", summary{Walls: []time.Duration{900 * time.Millisecond, 9 * time.Second, 900 * time.Millisecond}}},
	}}
	var got []string
	for _, x := range targets([]session{s}) {
		got = append(got, x.Measured+" "+x.Verdict())
	}
	want := "10 met; 65 MiB **not met**; 30.0 times met; 9.0 times **not met**"
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}
