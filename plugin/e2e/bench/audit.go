package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// audit counts requests by user and verb from the API server's audit log. Unlike kube.Cluster.Requests it reads every
// line once, and goes on in the next file when the server starts a new one: these logs grow to gigabytes.
type audit struct {
	path    string
	file    *os.File
	lines   *bufio.Reader
	half    []byte // of a line that was not complete yet
	started map[string]bool
	counts  map[string]map[string]int
	seen    string // the last marker

	host   string
	client *http.Client
}

func openAudit(c *kube.Cluster) (*audit, error) {
	client, err := rest.HTTPClientFor(c.RESTConfig())
	if err != nil {
		return nil, err
	}
	a := &audit{path: filepath.Join(c.Dir, "audit.log"), started: map[string]bool{}, counts: map[string]map[string]int{},
		host: c.Host, client: client}
	return a, a.open()
}

func (a *audit) open() error {
	f, err := os.Open(a.path)
	if err != nil {
		return err
	}
	a.file, a.lines = f, bufio.NewReaderSize(f, 1<<16)
	return nil
}

// take returns the requests of user by verb since the last call, and forgets them.
func (a *audit) take(ctx context.Context, user string) (map[string]int, error) {
	marker := rand.Text()
	if err := a.mark(ctx, marker); err != nil {
		return nil, fmt.Errorf("mark the audit log: %w", err)
	}
	for a.seen != marker {
		if err := a.read(); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the audit log: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	counts := a.counts[user]
	a.counts[user] = map[string]int{}
	return counts, nil
}

func (a *audit) mark(ctx context.Context, marker string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.host+"/version?marker="+marker, nil)
	if err != nil {
		return err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// read counts what was logged since. It returns at the end of the log.
func (a *audit) read() error {
	for {
		part, err := a.lines.ReadBytes('\n')
		a.half = append(a.half, part...)
		if errors.Is(err, io.EOF) {
			if rotated, err := a.rotated(); err != nil || !rotated {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := a.count(a.half); err != nil {
			return err
		}
		a.half = a.half[:0]
	}
}

// rotated goes on in the new file, if there is one.
func (a *audit) rotated() (bool, error) {
	now, err := os.Stat(a.path)
	if err != nil {
		return false, err
	}
	was, err := a.file.Stat()
	if err != nil || os.SameFile(now, was) || len(a.half) > 0 {
		return false, err
	}
	a.file.Close()
	return true, a.open()
}

func (a *audit) count(line []byte) error {
	var e struct {
		AuditID, Stage, RequestURI, Verb string
		User                             struct{ Username string }
		ObjectRef                        struct{ Resource string }
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	if _, marker, ok := strings.Cut(e.RequestURI, "/version?marker="); ok {
		a.seen = marker
		return nil
	}
	switch {
	case e.Stage == "ResponseStarted":
		a.started[e.AuditID] = true
	case a.started[e.AuditID]:
		delete(a.started, e.AuditID)
		return nil
	}
	verb := e.Verb
	switch {
	case e.ObjectRef.Resource == "":
		verb = "discovery"
	case strings.Contains(e.RequestURI, "dryRun="):
		verb = "dry-run"
	}
	if a.counts[e.User.Username] == nil {
		a.counts[e.User.Username] = map[string]int{}
	}
	a.counts[e.User.Username][verb]++
	return nil
}
