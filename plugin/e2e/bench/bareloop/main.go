// Command bareloop sends server-side apply patches, 16 at a time, and throws the answers away: the least that applying
// a set can cost. Its input is JSON lines of path and body, those of Namespaces first. With -wait it then waits until the
// Deployments are available.
// It does NOT read manifests, retry, record or look at anything else.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	inFlight = 16
	pause    = 50 * time.Millisecond // between two looks
	tries    = 1200
)

// patch is one line of the input.
type patch struct {
	Path string
	Body json.RawMessage
}

func main() {
	wait := flag.Bool("wait", false, "wait until the Deployments are available")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: bareloop [-wait] PATCHES-FILE")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *wait); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(name string, wait bool) error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	patches, err := read(name)
	if err != nil {
		return err
	}
	for _, namespaces := range []bool{true, false} {
		if err := send(client, config.Host, patches, namespaces); err != nil {
			return err
		}
	}
	for n := 1; wait; n++ {
		missing, err := unavailable(client, config.Host, patches)
		if err != nil || missing == 0 {
			return err
		}
		if n == tries {
			return fmt.Errorf("%d Deployments are not available", missing)
		}
		time.Sleep(pause)
	}
	return nil
}

// unavailable counts the Deployments among the patches whose controller has not seen them, or not made them available.
func unavailable(client *http.Client, host string, patches []patch) (int, error) {
	const path = "/apis/apps/v1/deployments"
	resp, err := client.Get(host + path)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var list struct {
		Items []struct {
			Metadata struct {
				Namespace, Name string
				Generation      int64
			}
			Status struct {
				ObservedGeneration int64
				Conditions         []struct{ Type, Status string }
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return 0, fmt.Errorf("list %s: %s: %w", path, resp.Status, err)
	}
	ready := map[string]bool{}
	for _, d := range list.Items {
		for _, c := range d.Status.Conditions {
			if c.Type == "Available" && c.Status == "True" && d.Status.ObservedGeneration == d.Metadata.Generation {
				ready["/apis/apps/v1/namespaces/"+d.Metadata.Namespace+"/deployments/"+d.Metadata.Name] = true
			}
		}
	}
	missing := 0
	for _, p := range patches {
		if strings.Contains(p.Path, "/deployments/") && !ready[p.Path] {
			missing++
		}
	}
	return missing, nil
}

func read(name string) ([]patch, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var patches []patch
	for lines := json.NewDecoder(bufio.NewReader(bytes.NewReader(data))); lines.More(); {
		var p patch
		if err := lines.Decode(&p); err != nil {
			return nil, err
		}
		patches = append(patches, p)
	}
	return patches, nil
}

func send(client *http.Client, host string, patches []patch, namespaces bool) (failure error) {
	var wg sync.WaitGroup
	var once sync.Once
	slots := make(chan struct{}, inFlight)
	for _, p := range patches {
		if isNamespace(p) != namespaces {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := one(client, host, p); err != nil {
				once.Do(func() { failure = err })
			}
		})
	}
	wg.Wait()
	return failure
}

func isNamespace(p patch) bool {
	name, ok := strings.CutPrefix(p.Path, "/api/v1/namespaces/")
	return ok && !strings.Contains(name, "/")
}

func one(client *http.Client, host string, p patch) error {
	req, err := http.NewRequest(http.MethodPatch, host+p.Path+"?fieldManager=bareloop&force=true", bytes.NewReader(p.Body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/apply-patch+yaml")
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s: %s: %.200s", p.Path, resp.Status, answer)
	}
	return err
}
