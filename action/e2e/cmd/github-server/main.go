// Command github-server is the GitHub double as a program, for tests that run everything else as programs too.
//
//	github-server serve DIR STATE     serves acme/config, which begins with the files of DIR; writes its addresses to STATE
//	github-server merge NUMBER [HOW]  merges a pull request: merge, squash or rebase
//	github-server propose BRANCH DIR  opens a pull request that makes main equal to the files of DIR, and prints its number
//	github-server pulls               prints the open pull requests
//	github-server show PATH           prints a file of main
//
// Everything but serve asks the server that the variable GITHUB_SERVER_STATE names. After each change the branches are
// in the bare repository STATE.git, with the same commits. It does NOT listen on any address but the machine's own.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 3 && args[0] == "serve" {
		return serve(args[1], args[2])
	}
	if len(args) == 0 {
		return errors.New("serve, merge, propose, pulls or show")
	}
	return ask(os.Getenv("GITHUB_SERVER_STATE"), args)
}

// reporter is a test that is the program: what a test would report ends it.
type reporter struct{ testing.TB }

func (reporter) Helper()                      {}
func (reporter) Cleanup(func())               {}
func (reporter) Logf(format string, a ...any) { fmt.Fprintf(os.Stderr, format+"\n", a...) }
func (reporter) Errorf(format string, a ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", a...)
	os.Exit(1)
}

func serve(dir, state string) error {
	files, err := filesOf(dir)
	if err != nil {
		return err
	}
	hub := githubtest.New(reporter{})
	hub.SetToken("ghs_statuses-only", githubtest.Permissions{Statuses: "write"})
	repo := hub.AddRepo("acme/config", files, githubtest.RepoOptions{AutoMerge: true})
	if err := repo.Mirror(state + ".git"); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	hub.After = func() {
		if err := repo.Mirror(state + ".git"); err != nil {
			reporter{}.Errorf("mirror: %v", err)
		}
	}
	text := fmt.Sprintf("%s\nhttp://%s\n", hub.URL, listener.Addr())
	if err := os.WriteFile(state+".part", []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.Rename(state+".part", state); err != nil {
		return err
	}
	server := &http.Server{Handler: control(hub, repo), ReadHeaderTimeout: time.Minute}
	return server.Serve(listener)
}

// filesOf reads the files of a checkout.
func filesOf(dir string) (map[string]string, error) {
	files := map[string]string{}
	return files, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		data, err := os.ReadFile(p)
		rel, relErr := filepath.Rel(dir, p)
		files[filepath.ToSlash(rel)] = string(data)
		return errors.Join(err, relErr)
	})
}

// propose opens a pull request, as somebody does who has pushed a branch.
func propose(repo *githubtest.Repo, branch, dir string) (string, error) {
	files, err := filesOf(dir)
	if err != nil {
		return "", err
	}
	repo.Push(branch, "Change the repository", files)
	var gone []string
	for name := range repo.Files(branch) {
		if _, stays := files[name]; !stays {
			gone = append(gone, name)
		}
	}
	if len(gone) > 0 {
		repo.Remove(branch, "Remove files", gone...)
	}
	repo.OpenPull(branch, "Change the repository")
	return fmt.Sprintln(len(repo.Pulls())), nil
}

// control is what people do in the web page of GitHub.
func control(hub *githubtest.Server, repo *githubtest.Repo) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		args := r.URL.Query()["arg"]
		text, err := act(repo, args)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		hub.After()
		_, _ = io.WriteString(w, text)
	})
}

func act(repo *githubtest.Repo, args []string) (string, error) {
	switch {
	case len(args) >= 2 && args[0] == "merge":
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 1 || n > len(repo.Pulls()) || repo.Pulls()[n-1].State != "open" || repo.Pulls()[n-1].Draft {
			return "", fmt.Errorf("pull request %s is not open for a merge", args[1])
		}
		how := map[string]func(int){"": repo.Merge, "merge": repo.Merge, "squash": repo.Squash, "rebase": repo.Rebase}[strings.Join(args[2:], " ")]
		if how == nil {
			return "", fmt.Errorf("unknown way to merge %q", args[2])
		}
		how(n)
		return fmt.Sprintf("merged #%d\n", n), nil
	case len(args) == 3 && args[0] == "propose":
		return propose(repo, args[1], args[2])
	case len(args) == 1 && args[0] == "pulls":
		var b strings.Builder
		for _, p := range repo.Open() {
			fmt.Fprintf(&b, "#%d %s draft=%v auto-merge=%s\n", p.Number, p.Title, p.Draft, p.AutoMerge)
		}
		return b.String(), nil
	case len(args) == 2 && args[0] == "show":
		return repo.Read("main", args[1]), nil
	}
	return "", fmt.Errorf("unknown: %s", strings.Join(args, " "))
}

func ask(state string, args []string) error {
	if len(args) == 3 && args[0] == "propose" { // the server has another working directory
		dir, err := filepath.Abs(args[2])
		if err != nil {
			return err
		}
		args = []string{args[0], args[1], dir}
	}
	file, err := os.Open(state)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Scan()
	lines.Scan()
	res, err := http.Get(lines.Text() + "/?" + url.Values{"arg": args}.Encode())
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(text)))
	}
	_, err = os.Stdout.Write(text)
	return err
}
