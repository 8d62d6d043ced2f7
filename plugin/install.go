package plugin

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

const (
	// imageName is where releases of this program are published.
	imageName = "ghcr.io/kubectl-gitops/kubectl-gitops"
	// unreleased is the tag for a build that is no release. Nobody publishes it.
	unreleased = "dev"
)

type installOptions struct {
	source           target.Flags
	output           ui.Output
	dryRun           string
	schedule         string
	interval, length time.Duration
	image, secret    string
	memory, rbac     string
	wait             bool
}

func newInstallCommand(c *cli) *cobra.Command {
	o := &installOptions{}
	cmd := &cobra.Command{
		Use:   "install --repo URL [flags] [-- RECONCILE-FLAGS]",
		Short: "Install or change the CronJob that reconciles inside the cluster",
		Long: `Install a small CronJob that keeps the cluster equal to Git. To change an
installed instance, run install again with the flags that should change. Flags
that you leave out keep their values. A published image becomes the image of
this version.

Install creates a namespace, a service account, its rights and a CronJob. Every
minute, the CronJob starts a job that runs reconcile in a loop for just under a
minute. The credentials for Git are in a Secret that you create, with the keys
that Flux uses: username and password, bearerToken, identity and known_hosts,
ca.crt, githubAppID, githubAppInstallationID and githubAppPrivateKey. The same
Secret may hold age keys (*.agekey), the keys that may sign commits
(allowed_signers, openpgp-keyring) and the systems to notify (notify.yaml).
Flags after -- are passed to reconcile.`,
		Example: `  kubectl gitops install --repo https://github.com/acme/config \
    --path clusters/prod --secret git-credentials
  kubectl gitops install --repo https://github.com/acme/config \
    --path clusters/prod --rbac cluster-admin --dry-run=client -o yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if n := cmd.ArgsLenAtDash(); n > 0 || n < 0 && len(args) > 0 {
				return seeHelp(cmd, fmt.Errorf("install takes no argument %q", args[0]))
			}
			return o.run(cmd.Context(), c, cmd, args)
		},
	}
	o.source.Add(cmd.Flags())
	o.output.AddFlags(cmd)
	fs := cmd.Flags()
	fs.StringVar(&o.dryRun, "dry-run", "none", "none, or client: print the manifests, without a cluster")
	fs.StringVar(&o.schedule, "schedule", "* * * * *", "When jobs start: a cron schedule of five fields")
	fs.DurationVar(&o.interval, "interval", 5*time.Second, "Time from the start of one run to the next inside a job; 0 is one run per job")
	fs.DurationVar(&o.length, "for", 55*time.Second, "How long a job starts new runs")
	fs.StringVar(&o.image, "image", defaultImage(), "Image with this program")
	fs.StringVar(&o.secret, "secret", "", "Name of the Secret with credentials for Git, in the instance's namespace")
	fs.StringVar(&o.memory, "memory", "512Mi", "Memory limit of the job")
	fs.StringVar(&o.rbac, "rbac", string(install.Generated), "Rights: generated, which are those that the objects of the repository need, or cluster-admin")
	fs.BoolVar(&o.wait, "wait", false, "Start a first job, show its log, and exit with its result")
	fixedWords(cmd, "dry-run", "none", "client")
	fixedWords(cmd, "rbac", string(install.Generated), string(install.ClusterAdmin))
	return cmd
}

// defaultImage is the release that this binary is of.
func defaultImage() string {
	v := toolVersion()
	if v == noVersion || strings.ContainsAny(v, "+-") { // a build between releases
		v = unreleased
	}
	return imageName + ":" + v
}

func (o *installOptions) validate() error {
	switch {
	case o.dryRun != "none" && o.dryRun != "client":
		return hint.Errorf(fmt.Sprintf("--dry-run=%s is not known", o.dryRun), "one of: none, client")
	case o.interval != 0 && o.interval < shortestInterval:
		return hint.Errorf(fmt.Sprintf("--interval %s is too short", o.interval), "use at least %s, or 0 for one run per job", shortestInterval)
	case o.wait && o.dryRun != "none":
		return hint.Errorf("--wait and --dry-run exclude each other", "leave one of them out")
	case o.length <= 0:
		return hint.Errorf(fmt.Sprintf("--for %s must be above zero", o.length), "for example --for 55s")
	case len(strings.Fields(o.schedule)) != 5:
		return hint.Errorf(fmt.Sprintf("--schedule %q is not a schedule", o.schedule), "write five fields as cron does, such as '*/5 * * * *'")
	case !slices.Contains([]string{string(install.Generated), string(install.ClusterAdmin)}, o.rbac):
		return hint.Errorf(fmt.Sprintf("--rbac=%s is not known", o.rbac), "one of: generated, cluster-admin")
	}
	if _, err := resource.ParseQuantity(o.memory); err != nil {
		return hint.Errorf(fmt.Sprintf("--memory %q is not a quantity", o.memory), "for example 512Mi")
	}
	return o.output.Validate()
}

// manifests checks the flags and returns what is to be installed. extra is passed to reconcile.
func (o *installOptions) manifests(ctx context.Context, c *cli, extra []string) ([]install.Object, error) {
	if o.source.Repo == "" {
		return nil, hint.Errorf("no --repo given", "name the config repository: --repo https://...")
	}
	if o.source.Repository().Local() {
		return nil, hint.Errorf(fmt.Sprintf("--repo %s is a directory of this machine", o.source.Repo), "a job in the cluster needs an https or ssh URL")
	}
	app, err := o.source.App()
	if err != nil {
		return nil, err
	}
	for _, arg := range extra {
		if !strings.HasPrefix(arg, "--") {
			return nil, hint.Errorf(fmt.Sprintf("%q is not a flag of reconcile", arg), "write --flag=value")
		}
	}
	options := install.Options{
		Namespace: c.namespace(), Image: o.image, Schedule: o.schedule, Secret: o.secret, Memory: o.memory,
		RBAC: install.Mode(o.rbac), Args: append(o.arguments(), extra...),
		Deadline: o.length + app.Timeout + time.Minute, // the last pass of a job is finished, not cut off
	}
	if options.RBAC == install.Generated {
		if err := o.generate(ctx, c, app, &options); err != nil {
			return nil, hint.With(fmt.Errorf("rights: %w", err),
				"install reads the repository from this machine to find the rights that a run needs; --rbac=cluster-admin gives all rights, and does not read the repository")
		}
	}
	return install.Objects(options), nil
}

// generate finds the rights that the repository takes, and those for what the records name.
func (o *installOptions) generate(ctx context.Context, c *cli, app app.App, options *install.Options) error {
	kinds := guessed(c.ui())
	var store *store.Store
	if o.dryRun != "client" {
		client, s, err := c.connect()
		if err != nil {
			return err
		}
		kinds, store = served(client), s
	}
	o.source.ReadSecrets(chartSecrets(c.connect))
	needs, err := neededRights(ctx, o.source.KeylessRenderer(notices(c.ui())), o.source.Repository().Source(), app, options.Namespace, kinds)
	if err != nil {
		return err
	}
	if store != nil {
		records, err := store.Load(ctx)
		if err != nil {
			return err
		}
		needs.grants = append(needs.grants, ofRecords(records, options.Namespace)...)
	}
	options.Rights = needs.grants
	options.Spaces = slices.DeleteFunc(needs.spaces(), func(ns string) bool {
		return ns == options.Namespace || ns == "default" || store == nil && slices.Contains(needs.defined, ns)
	})
	return nil
}

// arguments are those of reconcile in the job.
func (o *installOptions) arguments() []string {
	args := []string{"--repo=" + o.source.Repo}
	for _, flag := range []struct{ name, value, silent string }{
		{"ref", o.source.Ref, ""},
		{"path", o.source.Path, "."},
		{"name", o.source.Name, ""},
		{"target-namespace", o.source.Namespace, ""},
		{"timeout", o.source.Timeout.String(), ""},
		{"max-repo-files", o.source.Limits.Files.String(), "100k"},
		{"max-repo-size", o.source.Limits.Size.String(), "512Mi"},
		{"max-repo-file-size", o.source.Limits.FileSize.String(), ""},
		{"max-repo-refs", o.source.Limits.Refs.String(), ""},
		{"fetch-timeout", o.source.Limits.Time.String(), "2m0s"},
	} {
		if flag.value != flag.silent {
			args = append(args, "--"+flag.name+"="+flag.value)
		}
	}
	if o.source.AllowPlainSecrets {
		args = append(args, "--allow-plain-secrets")
	}
	if o.interval > 0 {
		args = append(args, "--interval="+o.interval.String(), "--for="+o.length.String())
	}
	return args
}

func (o *installOptions) run(ctx context.Context, c *cli, cmd *cobra.Command, extra []string) error {
	if o.dryRun == "none" {
		client, store, err := c.connect()
		if err != nil {
			return err
		}
		instance := install.Instance{Cluster: client, Namespace: store.Namespace}
		was, err := instance.Settings(ctx)
		if err != nil {
			return err
		}
		if was != nil {
			kept := o.fromInstance(cmd, was)
			if len(extra) == 0 {
				extra = kept
			}
		}
	}
	if err := o.validate(); err != nil {
		return err
	}
	objects, err := o.manifests(ctx, c, extra)
	if err != nil {
		return err
	}
	if o.dryRun == "client" {
		o.warnUnpublished(c.ui())
		return printObjects(c.ui().Out, &o.output, objects)
	}
	return o.apply(ctx, c, objects)
}

// apply brings the cluster to what objects say, and tells what changed.
func (o *installOptions) apply(ctx context.Context, c *cli, objects []install.Object) error {
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	u := c.ui()
	if o.output.Document() {
		u.ReserveOut()
	}
	instance := install.Instance{Cluster: client, Namespace: store.Namespace, Tell: u.Installed}
	if err := instance.Apply(ctx, objects); err != nil {
		return err
	}
	o.warnUnpublished(u)
	o.warnNoSecret(ctx, u, client, store.Namespace)
	if o.output.Document() {
		if err := printObjects(u.Out, &o.output, objects); err != nil {
			return err
		}
	}
	if o.wait {
		return follow(ctx, u, &instance)
	}
	o.nextSteps(u, store.Namespace)
	return nil
}

// printObjects prints the manifests of an instance as -o says.
func printObjects(w io.Writer, output *ui.Output, objects []install.Object) error {
	var names []string
	for _, o := range objects {
		names = append(names, o.Ref.String())
	}
	return output.PrintManifests(w, manifestsOf(objects), names)
}

func manifestsOf(objects []install.Object) []*unstructured.Unstructured {
	var manifests []*unstructured.Unstructured
	for _, o := range objects {
		manifests = append(manifests, o.Manifest)
	}
	return manifests
}

// inJob are the flags of install that are arguments of reconcile in the job, see arguments. Files that other flags name
// are the pod's there, and this machine's here.
var inJob = [...]string{"repo", "ref", "path", "name", "target-namespace", "timeout", "allow-plain-secrets", "max-repo-files", "max-repo-size",
	"max-repo-file-size", "max-repo-refs", "fetch-timeout", "interval", "for"}

// fromInstance sets what was left out to what is installed, except a published image, which becomes that of this version, and
// returns the arguments of reconcile that install has no flag for.
func (o *installOptions) fromInstance(cmd *cobra.Command, s *install.Settings) (extra []string) {
	given := map[string]string{"schedule": s.Schedule, "secret": s.Secret, "memory": s.Memory, "rbac": string(s.RBAC), "interval": "0"}
	for _, name := range inJob {
		if value, ok := s.Flags[name]; ok {
			given[name] = value
		}
	}
	if !strings.HasPrefix(s.Image, imageName+":") {
		given["image"] = s.Image // from a registry of one's own
	}
	target.SetLeftOut(cmd.Flags(), given)
	for _, arg := range s.Args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if !slices.Contains(inJob[:], name) {
			extra = append(extra, arg)
		}
	}
	return extra
}

// warnUnpublished says that the CronJob gets an image that exists only where somebody built it.
func (o *installOptions) warnUnpublished(u *ui.Terminal) {
	if o.image == imageName+":"+unreleased {
		u.Warn("this build is not a release, so the image %s is not published", o.image)
		u.Hint("pass --image with an image that your cluster can pull; `make image` in a checkout builds one")
	}
}

// warnNoSecret says that the Secret with credentials is missing. Whoever may not read it is not bothered.
func (o *installOptions) warnNoSecret(ctx context.Context, u *ui.Terminal, client *cluster.Client, namespace string) {
	if o.secret == "" {
		return
	}
	kind := cluster.Kind{Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true}
	if found, err := client.FindMetadata(ctx, kind, namespace, o.secret); err == nil && len(found) == 0 {
		u.Warn("the Secret %s does not exist in namespace %s, so the job has no credentials for Git", o.secret, namespace)
		u.Hint("kubectl create secret generic %s -n %s --from-literal=username=x-access-token --from-file=password=token.txt", o.secret, namespace)
	}
}

// nextSteps says what to type after an installation.
func (o *installOptions) nextSteps(u *ui.Terminal, namespace string) {
	at := ""
	if namespace != DefaultNamespace {
		at = " -n " + namespace
	}
	u.Hint("`kubectl gitops trigger%s` starts a first job now and shows its log; `kubectl gitops status%s` shows the apps", at, at)
}
