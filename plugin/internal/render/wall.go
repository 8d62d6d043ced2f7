package render

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// errNoNetwork is what a child's HTTP client and resolver answer.
var errNoNetwork = errors.New("the renderer has no network")

type noNetwork struct{}

// RoundTrip refuses every request.
func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) { return nil, errNoNetwork }

// refuseNetwork takes the network from the clients that libraries use when nobody gives them another one. It is for a child, which
// has no other use for them, and works on every system; where the kernel can, it refuses sockets as well.
func refuseNetwork() {
	http.DefaultTransport = noNetwork{}
	http.DefaultClient = &http.Client{Transport: noNetwork{}}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errNoNetwork }}
}

// signs are words of errors that come from one of the walls.
var signs = []string{errNoNetwork.Error(), "socket: operation not permitted", "fork/exec", "executable file not found"}

const (
	outsideMessage = "asks for the network or for another program while it is rendered, which the renderer refuses"
	outsideHint    = "keep everything that is rendered in the repository; if the manifests need nothing from outside, please report this as a bug"
)

// sayWall puts one message in the place of what libraries say when they run into a wall. Their own words would tell a reader
// nothing, and may hold an address that was made of secret values.
func sayWall(err error) error {
	hitWall := func(text string) bool {
		return slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(text, sign) })
	}
	if err == nil || !hitWall(err.Error()) {
		return err
	}
	var problems Problems
	if !errors.As(err, &problems) {
		return hint.With(errors.New("the directory "+outsideMessage), outsideHint)
	}
	problems = slices.Clone(problems)
	for i := range problems {
		if hitWall(problems[i].Message) {
			problems[i].Message, problems[i].Hint = outsideMessage, outsideHint
		}
	}
	return problems
}
