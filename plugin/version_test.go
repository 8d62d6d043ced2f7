package plugin

import (
	"runtime/debug"
	"testing"

	"k8s.io/apimachinery/pkg/util/version"
)

func TestVersionOfABuild(t *testing.T) {
	build := func(main string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: main}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "9c41d7e02b1f"}, {Key: "vcs.time", Value: "2026-11-23T12:00:00Z"}, {Key: "vcs.modified", Value: "true"}}}
	}
	for _, c := range []struct {
		name, linked string
		build        *debug.BuildInfo
		want         string
	}{
		{"linked", "1.2.3", build("v0.9.0"), "1.2.3"},
		{"linked with a v", "v1.2.3-rc.1", nil, "1.2.3-rc.1"},
		{"linked with a branch", "main", build("v0.9.0"), "0.9.0"},
		{"go install", "", build("v0.9.0"), "0.9.0"},
		{"go build in a checkout", "", build("v0.0.0-20261123120000-9c41d7e02b1f+dirty"), "0.0.0-20261123120000-9c41d7e02b1f+dirty"},
		{"go test", "", build("(devel)"), "0.0.0-dev"},
		{"nothing known", "", nil, "0.0.0-dev"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := versionOf(c.linked, c.build)
			if got.Version != c.want {
				t.Errorf("got %s, want %s", got.Version, c.want)
			}
			if _, err := version.ParseSemantic(got.Version); err != nil {
				t.Error(err)
			}
			if c.build != nil && (got.Commit != "9c41d7e02b1f" || !got.Modified || got.Date == "") {
				t.Errorf("commit, date or modified are lost: %+v", got)
			}
		})
	}
}
