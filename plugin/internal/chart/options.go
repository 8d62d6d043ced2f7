package chart

// Options are the settings of one render of a chart.
type Options struct {
	Release     string // default: the name of the chart
	Namespace   string
	Values      map[string]any // over the chart's own; not changed
	Upgrade     bool           // .Release.IsUpgrade, the opposite of .Release.IsInstall
	Revision    int            // .Release.Revision; 0 stands for 1
	KubeVersion string         // such as v1.37.2; empty stands for DefaultKubeVersion
	APIVersions []string       // such as apps/v1 and apps/v1/Deployment; added to those of Kubernetes itself when ServerVersions is false

	// ServerVersions says that APIVersions are all that the server has, and not more than Kubernetes itself.
	ServerVersions bool

	NoHooks bool // the caller leaves out all hooks: they may differ between two renders

	// OwnKinds says that the kinds in crds/ of the chart are among APIVersions, as in an install.
	OwnKinds bool

	EveryHook bool // hooks that only Helm's own commands run are given too: tests and rollbacks
	Tests     bool // tests are given too, and no rollbacks

	// Generated accepts values that differ between two renders: random functions give random values, and each manifest in which
	// something may differ has the text of the second render, too.
	Generated bool

	Progress func(file string) // told each template before it is rendered; may be nil
}

// DefaultKubeVersion is the .Capabilities.KubeVersion that charts see when Options have none.
const DefaultKubeVersion = "v1.37.0"
