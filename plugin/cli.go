package plugin

import (
	"errors"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// DefaultNamespace is the namespace of an instance when -n does not name another.
const DefaultNamespace = "gitops-system"

// toolName is the name in ApplySet tooling annotations and user agents.
const toolName = "kubectl-gitops"

// The exit codes. Only diff tells differences from errors, as kubectl diff does.
const (
	exitOK          = 0
	exitError       = 1
	exitDifferences = 1
	exitDiffError   = 2
)

// errDifferences ends diff when there are some; nothing is printed for it.
var errDifferences = errors.New("differences found")

// errReported ends a command that failed and has said why.
var errReported = errors.New("already reported")

// cli is what all commands share.
type cli struct {
	streams genericiooptions.IOStreams
	config  *genericclioptions.ConfigFlags
	color   string
	shared  *ui.Terminal
}

func (c *cli) ui() *ui.Terminal {
	if c.shared == nil {
		c.shared = ui.New(c.streams, c.color)
	}
	return c.shared
}

// namespace is the namespace of the instance.
func (c *cli) namespace() string {
	if ns := *c.config.Namespace; ns != "" {
		return ns
	}
	return DefaultNamespace
}

// connect prepares the client and the store of records; nothing is sent yet.
func (c *cli) connect() (*cluster.Client, *store.Store, error) {
	config, err := c.config.ToRESTConfig()
	if err == nil {
		err = c.anyCluster(config.Host)
	}
	if err != nil {
		return nil, nil, explainConfig(err)
	}
	u := c.ui()
	client, err := cluster.Connect(config, toolName+"/"+toolVersion(), func(text string) { u.Warn("%s", text) })
	if err != nil {
		return nil, nil, err
	}
	store := &store.Store{Cluster: client, Namespace: c.namespace(), Tool: toolName + "/" + toolVersion()}
	return client, store, nil
}

// anyCluster fails when nothing names a cluster, and host is what the libraries of kubectl try then: one on localhost.
func (c *cli) anyCluster(host string) error {
	const guessed = "http://localhost:8080"
	raw, err := c.config.ToRawKubeConfigLoader().RawConfig()
	if err != nil || host != guessed || len(raw.Clusters) > 0 || *c.config.APIServer != "" {
		return err
	}
	return clientcmd.ErrEmptyConfig
}

// explainConfig words what client-go says when there is no usable kubeconfig.
func explainConfig(err error) error {
	if clientcmd.IsEmptyConfig(err) {
		err = errors.New("no cluster: neither a kubeconfig nor a service account was found")
	}
	return hint.With(err, "set KUBECONFIG or --kubeconfig, and see `kubectl config get-contexts`")
}

// notices are what a renderer has to say, as lines of u.
func notices(u *ui.Terminal) target.Notices {
	return target.Notices{Warn: func(text string) { u.Warn("%s", text) }, Fetched: ui.NewProgress(u, false).Event}
}

func seeHelp(cmd *cobra.Command, err error) error {
	return hint.With(err, "see `%s --help`", cmd.CommandPath())
}
