package e2e

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/jsonpath"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/proxy"
)

// commands are what scripts have beyond testscript's own; README.md describes them. Each returns why it failed.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	table := map[string]func(*testscript.TestScript, []string) error{
		"as":          cmdAs,
		"commit":      cmdCommit,
		"fault":       cmdFault,
		"git":         cmdGit,
		"github":      cmdGitHub,
		"gitserver":   cmdGitServer,
		"gitrequests": cmdGitRequests,
		"chartserver": cmdChartServer,
		"charts":      cmdCharts,
		"chartlock":   cmdChartLock,
		"jsonpath":    cmdJSONPath,
		"monorepo":    cmdMonorepo,
		"kubectl":     func(ts *testscript.TestScript, args []string) error { return ts.Exec("kubectl", args...) },
		"registry":    cmdRegistry,
		"requests":    cmdRequests,
		"schema":      cmdSchema,
		"waitfor":     cmdWaitFor,
	}
	cmds := map[string]func(*testscript.TestScript, bool, []string){}
	for name, run := range table {
		cmds[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			err := run(ts, args)
			var usage usageError
			switch {
			case errors.As(err, &usage):
				ts.Fatalf("%s: usage: %s", name, usage)
			case err != nil && !neg:
				ts.Fatalf("%s: %v", name, err)
			case err == nil && neg:
				ts.Fatalf("%s: unexpected success", name)
			}
		}
	}
	return cmds
}

// usageError is a mistake in the script: it fails the script with `!` too.
type usageError string

func (u usageError) Error() string { return string(u) }

// cmdCommit implements: commit MESSAGE.
func cmdCommit(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return usageError("commit MESSAGE")
	}
	for _, step := range [][]string{
		{"add", "--all"},
		{"commit", "--quiet", "--message", args[0]},
		{"push", "--quiet", "origin", "HEAD"},
	} {
		if err := cmdGit(ts, step); err != nil {
			return fmt.Errorf("git %s: %w", strings.Join(step, " "), err)
		}
	}
	return setCommit(ts)
}

// cmdGit implements: git ARG..., in the clone of the config repository.
func cmdGit(ts *testscript.TestScript, args []string) error {
	if err := ts.Exec("git", append([]string{"-C", filepath.Join(ts.Getenv("WORK"), "config")}, args...)...); err != nil {
		return err
	}
	if len(args) > 0 && args[0] == "push" {
		return setCommit(ts)
	}
	return nil
}

// cmdMonorepo implements: monorepo. It copies testdata/monorepo into the clone; files that the script has stay its own.
func cmdMonorepo(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return usageError("monorepo")
	}
	values := strings.NewReplacer("$NS", ts.Getenv("NS"), "$INSTANCE", ts.Getenv("INSTANCE"))
	from, to := os.DirFS(filepath.Join("testdata", "monorepo")), filepath.Join(ts.Getenv("WORK"), "config")
	return fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		target := filepath.Join(to, filepath.FromSlash(name))
		if err != nil || entry.IsDir() {
			return errors.Join(err, os.MkdirAll(target, 0o777))
		}
		if _, err := os.Stat(target); err == nil {
			return nil
		}
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, []byte(values.Replace(string(data))), 0o666)
	})
}

// setCommit puts the last commit into $COMMIT and its first seven digits into $SHORT.
func setCommit(ts *testscript.TestScript) error {
	env := []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME")}
	sha, err := git(env, "-C", filepath.Join(ts.Getenv("WORK"), "config"), "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	ts.Setenv("COMMIT", sha)
	ts.Setenv("SHORT", sha[:7])
	return nil
}

// cmdAs implements: as USER [GROUP...].
func cmdAs(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return usageError("as USER [GROUP...]")
	}
	s := scriptOf(ts)
	groups := args[1:]
	if args[0] == "admin" {
		groups = []string{"system:masters"}
	}
	direct, err := s.cluster.KubeconfigFor(args[0], groups...)
	if err != nil {
		return err
	}
	user, err := clientcmd.BuildConfigFromFlags("", direct)
	if err != nil {
		return err
	}
	path := filepath.Join(ts.Getenv("HOME"), strings.ReplaceAll(args[0], ":", "-")+".kubeconfig") // KUBECONFIG is a list
	ts.Setenv("KUBECONFIG", path)
	return clientcmd.WriteToFile(*kube.NewKubeconfig(s.proxy.Host(), s.proxy.CA(), user.BearerToken, s.ns), path)
}

// cmdWaitFor implements: waitfor DURATION [-stdout REGEX] [!] COMMAND [ARG...].
func cmdWaitFor(ts *testscript.TestScript, args []string) error {
	const usage = usageError("waitfor DURATION [-stdout REGEX] [!] COMMAND [ARG...]")
	if len(args) < 2 {
		return usage
	}
	patience, err := time.ParseDuration(args[0])
	if err != nil {
		return usage
	}
	args = args[1:]
	pattern := regexp.MustCompile("")
	if args[0] == "-stdout" && len(args) > 2 {
		if pattern, err = regexp.Compile("(?m)" + args[1]); err != nil {
			return usageError(err.Error())
		}
		args = args[2:]
	}
	fail := args[0] == "!"
	if fail {
		args = args[1:]
	}
	if len(args) == 0 {
		return usage
	}
	deadline := time.Now().Add(patience)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := ts.Exec(args[0], args[1:]...)
		if (err != nil) == fail && pattern.MatchString(ts.ReadFile("stdout")) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("still not so after %s: %s (last error: %v)", patience, strings.Join(args, " "), err)
		}
		<-time.After(pause)
	}
}

// cmdJSONPath implements: jsonpath FILE EXPRESSION REGEX.
func cmdJSONPath(ts *testscript.TestScript, args []string) error {
	if len(args) != 3 {
		return usageError("jsonpath FILE EXPRESSION REGEX")
	}
	want, err := regexp.Compile(args[2])
	if err != nil {
		return usageError(err.Error())
	}
	path := jsonpath.New(args[0]).AllowMissingKeys(true)
	if err := path.Parse(args[1]); err != nil {
		return usageError(err.Error())
	}
	var data any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &data); err != nil {
		return fmt.Errorf("%s is not JSON: %w", args[0], err)
	}
	var got strings.Builder
	if err := path.Execute(&got, data); err != nil {
		return err
	}
	ts.Logf("[%s] %s", args[1], got.String())
	if !want.MatchString(got.String()) {
		return fmt.Errorf("%s is %q, want a match of %q", args[1], got.String(), want)
	}
	return nil
}

// match says which requests `requests` counts and `fault` hits.
type match struct{ verb, resource, agent, name string }

func (m *match) flags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&m.verb, "verb", "", "get, list, watch, create, update, patch, delete, deletecollection, write or read")
	flags.StringVar(&m.resource, "resource", "", "plural, as in the URL; none for discovery and the like")
	flags.StringVar(&m.name, "name", "", "name of the object")
	flags.StringVar(&m.agent, "agent", "", "beginning of the user agent")
	return flags
}

func (m *match) matches(r proxy.Request) bool {
	verb := m.verb == "" || m.verb == r.Verb || m.verb == "write" && r.Write() || m.verb == "read" && !r.Write()
	resource := m.resource == "" || m.resource == r.Resource || m.resource == "none" && r.Resource == ""
	return verb && resource && (m.name == "" || m.name == r.Name) && strings.HasPrefix(r.UserAgent, m.agent)
}

// cmdRequests implements: requests reset | requests [-verb V] [-resource R] [-name N] [-agent A] OPERATOR NUMBER.
func cmdRequests(ts *testscript.TestScript, args []string) error {
	s := scriptOf(ts)
	if slices.Equal(args, []string{"reset"}) {
		s.proxy.Reset()
		return nil
	}
	var m match
	flags := m.flags("requests")
	if err := flags.Parse(args); err != nil || flags.NArg() != 2 {
		return usageError("requests reset | requests [-verb V] [-resource R] [-name N] [-agent A] OPERATOR NUMBER")
	}
	want, err := strconv.Atoi(flags.Arg(1))
	if err != nil {
		return usageError(err.Error())
	}
	var list strings.Builder
	got := 0
	for _, r := range s.proxy.Requests() {
		if m.matches(r) {
			got++
			fmt.Fprintln(&list, r)
		}
	}
	holds, known := map[string]bool{
		"==": got == want, "!=": got != want, "<": got < want, "<=": got <= want, ">": got > want, ">=": got >= want,
	}[flags.Arg(0)]
	if !known {
		return usageError("the operator is one of == != < <= > >=")
	}
	if !holds {
		return fmt.Errorf("%d such requests, want %s %d:\n%s", got, flags.Arg(0), want, list.String())
	}
	return nil
}

// cmdFault implements: fault off | fault [matching flags] [-nth N] [-retry-after D] STATUS|drop|drop-answer.
func cmdFault(ts *testscript.TestScript, args []string) error {
	s := scriptOf(ts)
	if slices.Equal(args, []string{"off"}) {
		s.proxy.SetHook(nil)
		return nil
	}
	var m match
	flags := m.flags("fault")
	nth := flags.Int("nth", 0, "only the n-th such request; 0 for all")
	retryAfter := flags.Duration("retry-after", 0, "of the answer")
	if err := flags.Parse(args); err != nil || flags.NArg() != 1 {
		return usageError("fault off | fault [-verb V] [-resource R] [-name N] [-agent A] [-nth N] [-retry-after D] STATUS|drop|drop-answer")
	}
	action := proxy.Action{RetryAfter: *retryAfter}
	switch what := flags.Arg(0); what {
	case "drop":
		action.Drop = true
	case "drop-answer":
		action.DropAnswer = true
	default:
		status, err := strconv.Atoi(what)
		if err != nil {
			return usageError(err.Error())
		}
		action.Status = status
	}
	s.proxy.SetHook(proxy.Nth(*nth, m.matches, action))
	return nil
}
