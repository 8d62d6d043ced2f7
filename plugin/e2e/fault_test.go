package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/proxy"
)

// A fault is what goes wrong with the n-th request of a run, or with that and all later ones.
type fault struct {
	name    string
	action  proxy.Action
	forGood bool
}

var (
	internalError  = fault{name: "500", action: proxy.Action{Status: http.StatusInternalServerError}}
	unavailable    = fault{name: "503", action: proxy.Action{Status: http.StatusServiceUnavailable}}
	tooMany        = fault{name: "429", action: proxy.Action{Status: http.StatusTooManyRequests, RetryAfter: time.Second}}
	droppedRequest = fault{name: "a dropped connection", action: proxy.Action{Drop: true}}
	droppedAnswer  = fault{name: "a dropped answer", action: proxy.Action{DropAnswer: true}}
	serverGone     = fault{name: "no server any more", action: proxy.Action{Drop: true}, forGood: true}
)

// faultsAt are the faults tried at the n-th request; with SOAK set, all that there are.
func faultsAt(n int) []fault {
	faults := []fault{internalError, droppedAnswer}
	if n%2 == 0 {
		faults = []fault{unavailable, droppedRequest}
	}
	switch n % 10 {
	case 3:
		faults = append(faults, tooMany)
	case 8:
		faults = append(faults, serverGone)
	}
	if os.Getenv("SOAK") != "" {
		return []fault{internalError, unavailable, tooMany, droppedRequest, droppedAnswer, serverGone}
	}
	return faults
}

// TestFaultAtEveryRequest lets one request of a run that creates, changes and prunes go wrong, each in its turn. The
// run does its work all the same, or fails with an error that a person can read; and then the next one converges.
func TestFaultAtEveryRequest(t *testing.T) {
	for lane := range lanes {
		t.Run(fmt.Sprintf("every second, from %d", lane+1), func(t *testing.T) {
			t.Parallel()
			failed := 0
			for n := lane + 1; ; n += lanes {
				for _, f := range faultsAt(n) {
					hit, r, err := faultOnce(t, n, f)
					if err != nil {
						t.Fatalf("%s at request %d: %v", f.name, n, err)
					}
					if !hit {
						t.Logf("%d requests; %d faults made the run fail cleanly", n-1, failed)
						return
					}
					if r.code != 0 {
						failed++
						t.Logf("%s at request %d: %s", f.name, n, r.stderr)
					}
				}
			}
		})
	}
}

func faultOnce(t *testing.T, n int, f fault) (hit bool, r result, err error) {
	s, err := siteBetweenCommits(t, "fault")
	if err != nil {
		return false, r, err
	}
	defer s.stop()
	s.proxy.Reset()
	s.proxy.SetHook(func(i int, _ proxy.Request) proxy.Action {
		if i == n || i > n && f.forGood {
			return f.action
		}
		return proxy.Action{}
	})
	r = s.reconcile()
	s.proxy.SetHook(nil)
	var trace strings.Builder
	for _, q := range s.proxy.Requests() {
		fmt.Fprintln(&trace, q)
	}
	if err := errors.Join(endedWell(s, r), s.converged()); err != nil {
		return true, r, fmt.Errorf("%w\nits output:\n%s\nits requests:\n%s", err, r, trace.String())
	}
	return strings.Count(trace.String(), "\n") >= n, r, nil
}

// endedWell checks that a run that says it succeeded did, and that one that failed says so in words.
func endedWell(s *site, r result) error {
	switch {
	case r.code == 0:
		return s.equalsGit(stranger)
	case r.code != 1 || !strings.Contains(r.stderr, "error: ") || strings.Contains(r.stderr, "goroutine "):
		return errors.New("it did not fail cleanly")
	}
	return nil
}
