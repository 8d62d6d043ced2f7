package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestTwoReconcilersAtOnce starts two runs of one app at the same moment, as the job in the cluster and somebody's laptop
// may, again and again. Each ends well or says that the other is at work; nothing is created twice, and what is left is
// what Git says.
func TestTwoReconcilersAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("runs against a control plane")
	}
	s, err := newSite(t, "two")
	if err != nil {
		t.Fatal(err)
	}
	busy := 0
	commits := [][]string{{manifestsKept, manifestsBefore}, {manifestsKept, manifestsAfter, manifestsNew}}
	for round := range 12 {
		message := fmt.Sprintf("round %d\n\nGitops-Allow-Deletions: 10", round)
		if err := s.commit(message, commits[round%2]...); err != nil {
			t.Fatal(err)
		}
		s.proxy.Reset()
		n, err := s.both()
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		busy += n
		if err := errors.Join(s.createdOnce(), s.succeed("the run after both"), s.equalsGit(), s.idle()); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	t.Logf("%d runs of 24 found the other one at work", busy)
}

// both runs the plugin twice at once and returns how many of the two gave way to the other.
func (s *site) both() (int, error) {
	first, firstEnded := s.command(s.reconcileArgs()...)
	second, secondEnded := s.command(s.reconcileArgs()...)
	if err := errors.Join(first.Start(), second.Start()); err != nil {
		return 0, err
	}
	busy := 0
	for _, r := range []result{firstEnded(first.Wait()), secondEnded(second.Wait())} {
		switch {
		case r.code == 0:
		case r.code == 1 && onlyBusy(r.stderr):
			busy++
		default:
			return 0, errors.New(r.String())
		}
	}
	return busy, nil
}

// onlyBusy tells whether all errors of a run say that another one is at work.
func onlyBusy(stderr string) bool {
	found := false
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "error: ") {
			if !strings.Contains(line, "another reconciler is at work on this app") {
				return false
			}
			found = true
		}
	}
	return found && strings.Contains(stderr, "\nhint: run again when it is done")
}

// createdOnce checks that the server created no object of the app more than once since the proxy was reset.
func (s *site) createdOnce() error {
	created := map[string]int{}
	for _, r := range s.proxy.Requests() {
		if r.Status != http.StatusCreated || r.DryRun() || strings.HasSuffix(r.Resource, "reviews") {
			continue
		}
		if created[r.Path]++; created[r.Path] > 1 && r.Verb == "patch" {
			return fmt.Errorf("%s was created twice", r.Path)
		}
	}
	return nil
}
