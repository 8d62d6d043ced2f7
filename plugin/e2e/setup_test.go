package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/proxy"
)

const gitConfig = `[user]
	name = Ada Lovelace
	email = ada@example.com
[init]
	defaultBranch = main
[push]
	default = current
[advice]
	detachedHead = false
`

// script is what belongs to one running script. Its commands find it with scriptOf.
type script struct {
	*harness
	proxy  *proxy.Proxy
	ns     string
	charts *chartServer // nil before there is one
	git    gitServers

	registries registries
}

type scriptKey struct{}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// setup gives a script its namespaces, its way to the cluster and its config repository. It runs after the script's
// files have been written.
func (h *harness) setup(env *testscript.Env) error {
	p, err := proxy.Start(h.cluster.RESTConfig())
	if err != nil {
		return err
	}
	env.Defer(p.Stop)
	s := &script{harness: h, proxy: p, ns: uniqueName(env)}
	env.Values[scriptKey{}] = s

	docs, err := filepath.Abs("../../docs")
	if err != nil {
		return err
	}
	env.Setenv("DOCS", docs)
	home := filepath.Join(env.WorkDir, "home")
	env.Setenv("HOME", home)
	env.Setenv("PATH", h.bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	env.Setenv("NS", s.ns)
	env.Setenv("INSTANCE", s.ns+"-gitops")
	env.Setenv("REPO", filepath.Join(env.WorkDir, "repo.git"))
	env.Setenv("KUBECONFIG", filepath.Join(home, "kubeconfig"))
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	env.Setenv("GIT_TERMINAL_PROMPT", "0")
	for _, step := range []func(*testscript.Env) error{s.home, s.namespaces, substitute, repository} {
		if err := step(env); err != nil {
			return err
		}
	}
	return nil
}

// uniqueName makes a namespace's name out of the script's name.
func uniqueName(env *testscript.Env) string {
	name := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
	name = strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name)), "-")
	return fmt.Sprintf("%.40s-%s", name, strings.ToLower(rand.Text()[:5]))
}

// home writes the kubeconfig of an administrator, through the proxy, and git's configuration.
func (s *script) home(env *testscript.Env) error {
	home := env.Getenv("HOME")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	token := s.cluster.RESTConfig().BearerToken
	config := kube.NewKubeconfig(s.proxy.Host(), s.proxy.CA(), token, s.ns)
	return errors.Join(
		clientcmd.WriteToFile(*config, env.Getenv("KUBECONFIG")),
		os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(gitConfig), 0o600),
	)
}

// namespaces creates the script's namespace (the instance's is the plugin's to create), and deletes both at the end.
func (s *script) namespaces(env *testscript.Env) error {
	client, err := kubernetes.NewForConfig(s.cluster.RESTConfig())
	if err != nil {
		return err
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.ns}}
	if _, err := client.CoreV1().Namespaces().Create(context.Background(), ns, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the script's namespace: %w", err)
	}
	env.Defer(func() {
		for _, name := range []string{s.ns, s.ns + "-gitops"} {
			// Gone already, or never created. Nobody waits for the rest: names are not used again.
			_ = client.CoreV1().Namespaces().Delete(context.Background(), name, metav1.DeleteOptions{})
		}
	})
	return nil
}

// substitute writes the values of $NS, $INSTANCE, $REPO and $WORK into the script's files.
func substitute(env *testscript.Env) error {
	var pairs []string
	for _, name := range []string{"NS", "INSTANCE", "REPO", "WORK"} {
		pairs = append(pairs, "$"+name, env.Getenv(name))
	}
	values := strings.NewReplacer(pairs...)
	return filepath.WalkDir(env.WorkDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if entry != nil && (path == env.Getenv("HOME") || entry.Name() == ".tmp") {
				return fs.SkipDir
			}
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if replaced := values.Replace(string(data)); replaced != string(data) {
			return os.WriteFile(path, []byte(replaced), 0o666)
		}
		return nil
	})
}

// repository creates the bare config repository $REPO and makes $WORK/config, with the script's files in it, its clone.
func repository(env *testscript.Env) error {
	clone := filepath.Join(env.WorkDir, "config")
	if err := os.MkdirAll(clone, 0o777); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--bare", env.Getenv("REPO")},
		{"init", "--quiet", clone},
		{"-C", clone, "remote", "add", "origin", env.Getenv("REPO")},
	} {
		if _, err := git(env.Vars, args...); err != nil {
			return err
		}
	}
	return nil
}

// git runs git with the given environment and returns what it prints.
func git(env []string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
