// Package notify tells other systems how apps are doing: commit statuses of GitHub and GitLab, Slack-compatible and
// generic webhooks. Sending happens beside the passes, which it never delays and never fails.
//
// It does NOT decide what an app's state is, remember anything beyond the process, follow redirects, or show a token or
// the path of a webhook's URL in an error.
package notify

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// State is what a commit status says.
type State string

// The states: on its way, healthy, and failed or not healthy in time.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure"
)

// Note is one change of the state of an app.
type Note struct {
	Instance, App string
	Repo          string // URL of the config repository, without credentials
	Commit, Ref   string
	Author        string
	Subject       string
	State         State
	Reason        string // one line; Secrets are masked before it gets here
	Sync, Health  string
	Time          time.Time
}

// context is the name of a commit status.
func (n Note) context() string { return "gitops/" + n.Instance + "/" + n.App }

const (
	queueLength    = 64 // notes that wait for one target; the oldest gives way
	attempts       = 5
	requestTimeout = 10 * time.Second
)

// Notifier sends notes to its targets, each in its own time and in order.
type Notifier struct {
	queues []*queue
	done   sync.WaitGroup
	stop   context.CancelFunc
}

type queue struct {
	sender sender
	notes  chan Note
	warn   func(string)
}

// New starts to send to targets. warn is told what could not be sent; it may be called from several goroutines.
func New(targets []Target, userAgent string, warn func(string)) *Notifier {
	return start(targets, userAgent, warn, func(attempt int) time.Duration { return time.Second << attempt })
}

func start(targets []Target, userAgent string, warn func(string), pause func(attempt int) time.Duration) *Notifier {
	ctx, stop := context.WithCancel(context.Background())
	n := &Notifier{stop: stop}
	client := &http.Client{Timeout: requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // a token is for one server
	for _, t := range targets {
		q := &queue{sender: sender{target: t, client: client, userAgent: userAgent, pause: pause}, notes: make(chan Note, queueLength), warn: warn}
		n.queues = append(n.queues, q)
		n.done.Go(func() { q.run(ctx) })
	}
	return n
}

// Send hands a note to every target and returns at once. nil sends nothing.
func (n *Notifier) Send(note Note) {
	if n == nil {
		return
	}
	for _, q := range n.queues {
		for sent := false; !sent; {
			select {
			case q.notes <- note:
				sent = true
			default:
				select { // full: what is newer matters more
				case <-q.notes:
					q.warn(fmt.Sprintf("notify: %s: too slow, a notification was dropped", q.sender.target.name()))
				default:
				}
			}
		}
	}
}

// Close waits until all notes are sent, at most for the given time, and ends.
func (n *Notifier) Close(within time.Duration) {
	if n == nil {
		return
	}
	for _, q := range n.queues {
		close(q.notes)
	}
	late := time.AfterFunc(within, n.stop)
	n.done.Wait()
	late.Stop()
	n.stop()
}

func (q *queue) run(ctx context.Context) {
	for note := range q.notes {
		if err := q.sender.send(ctx, note); err != nil {
			q.warn(fmt.Sprintf("notify: %s: %v", q.sender.target.name(), err))
		}
	}
}
