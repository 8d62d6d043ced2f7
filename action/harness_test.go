package action

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

const prodFile = "clusters/prod/kustomization.yaml"

// kustomization is one image in the way Flux and Argo CD users write it.
func kustomization(image, tag string) string {
	return "# kept\nresources:\n- ../../base\nimages:\n- name: " + image + "\n  newTag: \"" + tag + "\" # the tag\n"
}

// newConfig is a GitHub with one config repository that runs api 1.8.1.
func newConfig(t *testing.T, options githubtest.RepoOptions) (*githubtest.Server, *githubtest.Repo) {
	t.Helper()
	hub := githubtest.New(t)
	repo := hub.AddRepo("acme/config", map[string]string{
		prodFile:         kustomization("ghcr.io/acme/api", "1.8.1"),
		"README.md":      "image: ghcr.io/acme/api:1.8.1\n",
		"scripts/run.sh": "#!/bin/sh\n",
	}, options)
	return hub, repo
}

// outcome is what one step of a workflow left behind.
type outcome struct {
	code             int
	stdout, stderr   string
	summary, outFile string
	outputs          map[string]string
	waited           time.Duration
}

// runStep runs the action as the runner would, with the given inputs over the ones every test needs. It
// never really waits.
func runStep(t testing.TB, hub *githubtest.Server, inputs map[string]string) outcome {
	t.Helper()
	return runStepIn(t, hub, inputs, nil)
}

func runStepIn(t testing.TB, hub *githubtest.Server, inputs, environment map[string]string) outcome {
	t.Helper()
	dir := t.TempDir()
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/config", "GITHUB_API_URL": hub.URL, "GITHUB_GRAPHQL_URL": hub.URL + "/graphql",
		"GITHUB_SERVER_URL": hub.URL, "GITHUB_EVENT_NAME": "push", "GITHUB_RUN_ID": "42",
		"GITHUB_OUTPUT": filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"),
		"INPUT_TOKEN": githubtest.Token,
	}
	maps.Copy(env, environment)
	for k, v := range inputs {
		env["INPUT_"+strings.ToUpper(strings.ReplaceAll(k, "-", "_"))] = v
	}
	var out, errs strings.Builder
	var o outcome
	sleep := func(ctx context.Context, d time.Duration) error {
		o.waited += d
		runtime.Gosched()
		return ctx.Err()
	}
	o.code = runAction(context.Background(), Streams{Getenv: func(k string) string { return env[k] }, Out: &out, Err: &errs}, sleep)
	o.stdout, o.stderr = out.String(), errs.String()
	o.outFile, o.summary = read(t, env["GITHUB_OUTPUT"]), read(t, env["GITHUB_STEP_SUMMARY"])
	o.outputs = runnerOutputs(t, o.outFile)
	return o
}

func read(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(data)
}

// runnerOutputs reads GITHUB_OUTPUT the way the runner does: NAME=VALUE, or NAME<<END up to a line END.
func runnerOutputs(t testing.TB, text string) map[string]string {
	t.Helper()
	out := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines) && text != ""; i++ {
		eq, here := strings.Index(lines[i], "="), strings.Index(lines[i], "<<")
		switch {
		case here >= 0 && (eq < 0 || here < eq):
			name, end := lines[i][:here], lines[i][here+2:]
			var value []string
			for i++; i < len(lines) && lines[i] != end; i++ {
				value = append(value, lines[i])
			}
			out[name] = strings.Join(value, "\n")
		case eq >= 0:
			out[lines[i][:eq]] = lines[i][eq+1:]
		default:
			t.Errorf("the runner would refuse the output line %q", lines[i])
		}
	}
	return out
}

// mustSucceed fails the test when the step failed.
func (o outcome) mustSucceed(t testing.TB) outcome {
	t.Helper()
	if o.code != ExitOK {
		t.Fatalf("exit %d\nstdout:\n%s\nstderr:\n%s", o.code, o.stdout, o.stderr)
	}
	return o
}

func (o outcome) want(t *testing.T, outputs map[string]string) {
	t.Helper()
	for k, v := range outputs {
		if o.outputs[k] != v {
			t.Errorf("output %s = %q, want %q\n%s%s", k, o.outputs[k], v, o.stdout, o.stderr)
		}
	}
}

// heldHead is a file of holds without its entries.
const heldHead = "# Versions that were rolled back.\napiVersion: kubectl-gitops.dev/v1alpha1\nkind: Holds\nholds:\n"
