package plugin

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// linkedVersion is set by the linker when a release is built:
//
//	-ldflags "-X github.com/kubectl-gitops/kubectl-gitops/plugin.linkedVersion=1.2.3"
var linkedVersion string

// noVersion is the version of a build that knows nothing about itself.
const noVersion = "0.0.0-dev"

// versionInfo is what `version -o json` prints.
type versionInfo struct {
	metav1.TypeMeta `json:",inline"`
	Version         string `json:"version"`
	Commit          string `json:"commit,omitempty"`
	Modified        bool   `json:"modified,omitempty"` // built from a checkout with uncommitted changes
	Date            string `json:"date,omitempty"`     // date of the commit
	Go              string `json:"go"`
	Platform        string `json:"platform"`
}

// toolVersion returns the version of this binary as Semantic Versioning 2.0 without a "v".
func toolVersion() string { return thisVersion().Version }

func thisVersion() versionInfo {
	build, _ := debug.ReadBuildInfo()
	return versionOf(linkedVersion, build)
}

func versionOf(linked string, build *debug.BuildInfo) versionInfo {
	info := versionInfo{
		TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "Version"},
		Version:  noVersion,
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	candidates := []string{linked}
	if build != nil {
		candidates = append(candidates, build.Main.Version)
		for _, s := range build.Settings {
			switch s.Key {
			case "vcs.revision":
				info.Commit = s.Value
			case "vcs.time":
				info.Date = s.Value
			case "vcs.modified":
				info.Modified = s.Value == "true"
			}
		}
	}
	for _, c := range candidates {
		if _, err := version.ParseSemantic(c); err == nil {
			info.Version = strings.TrimPrefix(c, "v")
			break
		}
	}
	return info
}

// newVersionCommand returns `version`.
func newVersionCommand(streams genericiooptions.IOStreams) *cobra.Command {
	out := &ui.Output{}
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "Print the version of this plugin",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if err := out.Validate(); err != nil {
				return err
			}
			info := thisVersion()
			if handled, err := out.Print(streams.Out, info, []string{info.Version}); handled {
				return err
			}
			printVersion(streams.Out, info)
			return nil
		},
	}
	out.AddFlags(cmd)
	return cmd
}

func printVersion(w io.Writer, info versionInfo) {
	commit := info.Commit
	if commit != "" && info.Modified {
		commit += " (modified)"
	}
	fmt.Fprintln(w, "kubectl-gitops", info.Version)
	for _, line := range []struct{ name, value string }{
		{"commit", commit}, {"date", info.Date}, {"go", info.Go}, {"platform", info.Platform},
	} {
		if line.value != "" {
			fmt.Fprintf(w, "%-9s %s\n", line.name, line.value)
		}
	}
}
