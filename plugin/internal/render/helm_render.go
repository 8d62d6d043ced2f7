package render

import (
	"context"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

type helmRender struct {
	*tree
	ctx     context.Context
	dir     string
	options Options
	helm    Helm
	values  []valuesFile // as given, for messages
	named   *archive     // the chart, when it is not a directory

	moreVersions []string // API versions besides those of the server, or of Kubernetes itself
	encrypted    bool     // values were
	noHooks      bool     // hooks are left out
	ownVersions  []string // that the chart itself brings
	asked        []string // see chart.Chart.Asked
	installs     bool     // it is for an install: what is in crds/ is there when templates ask

	notKept func(m chart.Manifest, why string) error // see chart.Chart.NotKept
}

// valuesFile is a values file that was read.
type valuesFile struct {
	name string
	data []byte
	line int // of the file at which data begin, 0 for its first
}
