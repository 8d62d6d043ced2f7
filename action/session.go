package action

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/registry"
)

// session is one step of a workflow: everything that its inputs ask for.
type session struct {
	in     Inputs
	rep    *reporter
	client *github.Client
	sleep  func(context.Context, time.Duration) error
	now    func() time.Time
}

// newSession makes the client of a step. It makes no request.
func newSession(in Inputs, rep *reporter, sleep func(context.Context, time.Duration) error) (*session, error) {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.ResponseHeaderTimeout = 2 * time.Minute
	client, err := github.New(github.Config{APIURL: in.APIURL, GraphQLURL: in.GraphQLURL, Token: in.Token, Repository: in.Repository,
		Base: base, Sleep: sleep, Now: time.Now, Note: rep.log})
	return &session{in: in, rep: rep, client: client, sleep: sleep, now: time.Now}, err
}

// run makes every operation that the inputs ask for. After one that fails it goes on with the next. It returns the results of those
// that succeeded, and of those that failed and have a pull request.
func (s *session) run(ctx context.Context) ([]Result, error) {
	if look := s.looks(); look != nil {
		res, err := look(ctx)
		if err != nil {
			return nil, explain(err, s.in)
		}
		return []Result{res}, nil
	}
	operations, err := s.operations(ctx)
	if err != nil {
		return nil, explain(err, s.in)
	}
	var results []Result
	var errs []error
	var snap *snapshot // operations of one run look at the same commit, unless the branch moves
	for _, op := range operations {
		r, err := newRun(s, op, snap)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		res, err := r.deliver(ctx)
		snap = r.snap
		if err != nil {
			errs = append(errs, err)
		}
		if err == nil || res.Number > 0 { // a run that fails may have opened a pull request all the same
			results = append(results, res)
		}
	}
	if len(errs) == 1 {
		return results, errs[0]
	}
	return results, errors.Join(errs...)
}

// looks returns the operation that writes nothing to the repository, nil when the inputs ask for one that writes.
func (s *session) looks() func(context.Context) (Result, error) {
	l := look{s.in, s.rep, s.client}
	switch {
	case s.in.Operation == opPreview:
		return l.preview
	case s.in.Operation == opCheck && len(s.in.Images)+len(s.in.Values) == 0:
		return l.checkRepository
	}
	return nil
}

// operations returns the operations that the inputs ask for.
func (s *session) operations(ctx context.Context) ([]operation, error) {
	switch s.in.Operation {
	case opPromote:
		return promotions(ctx, s.client, s.in)
	case opRollback:
		op, err := restorer{s.in, s.client, s.now}.operation(ctx)
		return []operation{op}, err
	}
	images := s.in.Images
	if s.in.ResolveDigest {
		var err error
		if images, err = registry.ResolveDigests(ctx, images); err != nil {
			return nil, err
		}
	}
	return []operation{bumpOperation(s.in, images)}, nil
}
