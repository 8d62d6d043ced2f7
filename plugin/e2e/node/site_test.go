package node

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/githttp"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	patience = 90 * time.Second // for what takes a second or two on an idle machine
	token    = "canary-of-the-git-token"
	never    = "0 0 31 2 *" // a schedule: tests start the jobs themselves
)

const gitConfig = `[user]
	name = Ada Lovelace
	email = ada@example.com
[init]
	defaultBranch = main
[push]
	default = current
`

// site is one instance with its namespaces and its config repository.
type site struct {
	*testing.T
	ns, instance string // of the application and of the instance
	dir, config  string // temporary; the clone of dir/repo.git
	env          []string
	git          *githttp.Server
	credentials  map[string]string
}

// newSite prepares a repository that is served over https, for those who know the token.
func newSite(t *testing.T) *site {
	if shared == nil {
		t.Skip("runs on a real node")
	}
	ns := "shop-" + strings.ToLower(rand.Text()[:6])
	s := &site{T: t, ns: ns, instance: ns + "-gitops", dir: t.TempDir()}
	s.config = filepath.Join(s.dir, "config")
	kubeconfig := filepath.Join(s.dir, "kubeconfig")
	s.env = []string{"HOME=" + s.dir, "PATH=" + shared.bin + ":" + os.Getenv("PATH"), "KUBECONFIG=" + kubeconfig,
		"GIT_CONFIG_NOSYSTEM=1", "TMPDIR=" + s.dir}
	admin := kube.NewKubeconfig(shared.cluster.Host, shared.cluster.CA, shared.cluster.RESTConfig().BearerToken, ns)
	server, err := githttp.Start(s.dir, githttp.Options{TLS: true, ReadOnly: true, Host: HostAddress, Token: token})
	if err := errors.Join(err, clientcmd.WriteToFile(*admin, kubeconfig), s.write(".gitconfig", gitConfig)); err != nil {
		t.Fatal(err)
	}
	s.git = server
	s.credentials = s.httpsSecret()
	t.Cleanup(server.Stop)
	s.must("git", "init", "--quiet", "--bare", s.dir+"/repo.git")
	s.must("git", "clone", "--quiet", s.dir+"/repo.git", s.config)
	s.kubectl("create", "namespace", ns)
	t.Cleanup(s.remove)
	return s
}

// remove leaves no job behind that would go on; what cannot act stays.
func (s *site) remove() {
	if s.Failed() {
		for _, namespace := range []string{s.ns, s.instance} {
			out, _ := s.run("kubectl", "get", "pods,jobs,events", "-n", namespace)
			s.Logf("when it failed, in %s:\n%s", namespace, out)
		}
		out, _ := s.run("kubectl", "logs", "-n", s.instance, "-l", "app.kubernetes.io/name=kubectl-gitops", "--tail=60", "--prefix")
		s.Logf("logs:\n%s", out)
	}
	_, _ = s.run("kubectl", "delete", "namespace", s.ns, s.instance, "--wait=false", "--ignore-not-found")
	_, _ = s.run("kubectl", "delete", "clusterroles,clusterrolebindings", "-l", "kubectl-gitops.dev/instance="+s.instance)
}

func (s *site) write(name, text string) error {
	path := filepath.Join(s.dir, name)
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600))
}

// run returns what a program prints: kubectl on its standard output, the others on both.
func (s *site) run(name string, args ...string) (string, error) {
	path, err := exec.LookPath(filepath.Join(shared.bin, name))
	if err != nil {
		path = name
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, &stdout, &stderr
	if name != "kubectl" {
		cmd.Stderr = &stdout
	}
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), err
}

func (s *site) must(name string, args ...string) string {
	s.Helper()
	out, err := s.run(name, args...)
	if err != nil {
		s.Fatal(err)
	}
	return strings.TrimSpace(out)
}

func (s *site) kubectl(args ...string) string {
	s.Helper()
	return s.must("kubectl", args...)
}

// gitops runs the plugin in the namespace of the instance.
func (s *site) gitops(args ...string) string {
	s.Helper()
	return s.must("kubectl-gitops", append([]string{"--namespace=" + s.instance}, args...)...)
}

// get returns a field of an object in the application's namespace.
func (s *site) get(object, field string) string {
	out, err := s.run("kubectl", "get", object, "-o", "jsonpath={"+field+"}")
	if err != nil {
		return "-"
	}
	return out
}

// commit makes text all that the app consists of, and returns the commit.
func (s *site) commit(message, text string) string {
	s.Helper()
	if err := s.write("config/shop/app.yaml", text); err != nil {
		s.Fatal(err)
	}
	s.must("git", "-C", s.config, "add", "--all")
	s.must("git", "-C", s.config, "commit", "--quiet", "--allow-empty", "--message", message)
	s.must("git", "-C", s.config, "push", "--quiet", "origin", "HEAD:main")
	return s.must("git", "-C", s.config, "rev-parse", "HEAD")
}

// eventually repeats check until it returns nil.
func (s *site) eventually(what string, check func() error) {
	s.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("%s: not after %s: %v", what, patience, err)
		}
		if died := shared.cluster.Died(); died != nil {
			s.Fatal(died)
		}
	}
}

func (s *site) eventuallyIs(object, field, want string) {
	s.Helper()
	s.eventually(object+" "+field, func() error {
		if got := s.get(object, field); got != want {
			return fmt.Errorf("is %q, not %q", got, want)
		}
		return nil
	})
}

// keep writes the credentials to files, as they are in the Secret "git", for those who install.
func (s *site) keep(values map[string]string) {
	s.Helper()
	s.credentials = values
	for key, value := range values {
		if err := s.write("credentials/"+key, value); err != nil {
			s.Fatal(err)
		}
	}
}

// secret makes the Secret "git" of them, in the namespace of the instance, or changes it.
func (s *site) secret(values map[string]string) {
	s.Helper()
	s.keep(values)
	args := []string{"create", "secret", "generic", "git", "-n", s.instance, "--dry-run=client", "-o", "yaml"}
	for key := range values {
		args = append(args, "--from-file="+key+"="+s.dir+"/credentials/"+key)
	}
	if err := s.write("secret.yaml", s.kubectl(args...)); err != nil {
		s.Fatal(err)
	}
	s.kubectl("apply", "--server-side", "-f", s.dir+"/secret.yaml")
}

func (s *site) httpsSecret() map[string]string {
	return map[string]string{"bearerToken": token, "ca.crt": string(s.git.CA())}
}

// install installs the instance for the repository, with jobs that only tests start, and its Secret.
func (s *site) install(repo string, more ...string) {
	s.Helper()
	s.gitops(append([]string{"install", "--repo=" + repo, "--path=shop", "--target-namespace=" + s.ns,
		"--secret=git", "--schedule=" + never, "--interval=1s", "--image=" + imageName}, more...)...)
	s.secret(s.credentials)
}

func (s *site) repo() string { return s.git.URL() + "/repo.git" }

// start starts a job of the CronJob and returns its name.
func (s *site) start() string {
	s.Helper()
	name := "run-" + strings.ToLower(rand.Text()[:6])
	s.kubectl("create", "job", name, "--from=cronjob/gitops", "-n", s.instance)
	return name
}

// pod waits for the pod of a job and returns its uid.
func (s *site) pod(job string) (uid string) {
	s.Helper()
	s.eventually("a pod of "+job, func() (err error) {
		uid, err = s.run("kubectl", "get", "pods", "-n", s.instance, "-l", "batch.kubernetes.io/job-name="+job, "-o", "jsonpath={.items[*].metadata.uid}")
		if err == nil && uid == "" {
			err = errors.New("none yet")
		}
		return err
	})
	return uid
}

// ended waits for the end of a job and returns "Complete" or "Failed", and its log.
func (s *site) ended(job string) (condition, log string) {
	s.Helper()
	s.eventually("the end of "+job, func() error {
		out, err := s.run("kubectl", "get", "job", job, "-n", s.instance, "-o", `jsonpath={.status.conditions[?(@.status=="True")].type}`)
		for _, c := range []string{"Complete", "Failed"} {
			if strings.HasSuffix(out, c) {
				condition = c
				return nil
			}
		}
		return errors.Join(errors.New("it runs"), err)
	})
	log, err := s.run("kubectl", "logs", "job/"+job, "-n", s.instance)
	if err != nil {
		s.Fatal(err)
	}
	return condition, log
}

type appStatus struct {
	Sync, Health, Message string
	Revision              struct{ Commit string }
	LastRun               struct{ Result, Cause string }
}

// status is what `status -o json` says about the app.
func (s *site) status() (appStatus, error) {
	out, err := s.run("kubectl-gitops", "status", "-n", s.instance, "-o", "json")
	if err != nil {
		return appStatus{}, err
	}
	var list struct{ Items []appStatus }
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Items) != 1 {
		return appStatus{}, fmt.Errorf("status: %v\n%s", err, out)
	}
	return list.Items[0], nil
}

// synced waits until status says that the commit is applied and healthy.
func (s *site) synced(commit string) {
	s.Helper()
	s.eventually("status", func() error {
		a, err := s.status()
		if err == nil && (a.Sync != "Synced" || a.Health != "Healthy" || a.Revision.Commit != commit) {
			err = fmt.Errorf("%+v, not Synced and Healthy at %s", a, commit)
		}
		return err
	})
}

// failing waits until status says that reconciling fails and why, with the commit that is still applied.
func (s *site) failing(commit, reason string) {
	s.Helper()
	s.eventually("status", func() error {
		a, err := s.status()
		if err == nil && (a.Sync != "Failed" || !strings.Contains(a.Message, reason) || a.Revision.Commit != commit) {
			err = fmt.Errorf("%+v, not Failed at %s with %q", a, commit, reason)
		}
		return err
	})
}
