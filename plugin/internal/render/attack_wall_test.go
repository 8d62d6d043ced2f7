package render

import (
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// What takes the network from libraries on every system, without the kernel's help. It changes the clients of a whole process, so it
// runs in one of its own.
func TestAttackThroughTheUsualClients(t *testing.T) {
	url, asked := listening(t)
	out, err := exec.Command(worker(t, "").Command[0], "clients", url).CombinedOutput()
	if err != nil || string(out) != strings.Repeat("the renderer has no network\n", 4) {
		t.Errorf("%v\n%s", err, out)
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// clients is that process.
func clients(url string) (said []string) {
	refuseNetwork()
	for _, c := range []*http.Client{http.DefaultClient, {}} {
		if _, err := c.Get(url); err != nil {
			said = append(said, err.Error())
		}
	}
	if _, err := http.Post(url, "text/plain", nil); err != nil {
		said = append(said, err.Error())
	}
	if _, err := net.LookupHost("localhost.example"); err != nil {
		said = append(said, err.Error())
	}
	for i := range said {
		if strings.Contains(said[i], errNoNetwork.Error()) {
			said[i] = errNoNetwork.Error()
		}
	}
	return said
}
