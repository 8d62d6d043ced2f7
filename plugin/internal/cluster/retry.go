package cluster

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// retryAfter tells whether a later try may succeed, and how long to wait before try+1. The server's Retry-After wins
// over our own doubling pause with jitter.
func retryAfter(err error, try int) (time.Duration, bool) {
	pause := min(100*time.Millisecond<<(try-1), 2*time.Second)
	pause += rand.N(pause / 2)
	if seconds, ok := apierrors.SuggestsClientDelay(err); ok && seconds > 0 {
		pause = time.Duration(seconds)*time.Second + rand.N(pause)
	}
	return pause, temporary(err)
}

func temporary(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return brokenConnection(err)
	}
	switch code := status.Status().Code; {
	case tooLarge(err):
		return false // the server waited already
	case code == 429, code == 502, code == 503, code == 504:
		return true
	case code == 500:
		// A webhook that fails and a manifest that does not fit the schema answer 500 as well: no passing faults.
		return !strings.Contains(err.Error(), "webhook") && !strings.Contains(err.Error(), "typed patch object") &&
			!strings.Contains(err.Error(), "failed to convert new ")
	}
	return apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err)
}

func brokenConnection(err error) bool {
	var urlErr *url.Error
	if errors.As(err, &urlErr) && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return false
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return false
	}
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EPIPE) || errors.As(err, &op) ||
		utilnet.IsProbableEOF(err) || utilnet.IsHTTP2ConnectionLost(err) || strings.Contains(err.Error(), "GOAWAY")
}

// tooLarge tells the answer to a resourceVersion that the server has not reached.
func tooLarge(err error) bool {
	return apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge)
}
