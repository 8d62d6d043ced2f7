package chart

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// Hook is manifest.Hook: when an object of a chart is created.
type Hook = manifest.Hook

// hookOf leaves out tests and rollbacks unless they are asked for: a rollback is a commit here. nil when nothing else is
// left.
func hookOf(h *release.Hook, o Options) *Hook {
	hook := &Hook{Weight: h.Weight}
	for _, event := range h.Events {
		if event == testSuccess {
			event = release.HookTest
		}
		if (o.EveryHook || !unusedEvent(event, o)) && !slices.Contains(hook.Events, event.String()) {
			hook.Events = append(hook.Events, event.String())
		}
	}
	if len(hook.Events) == 0 {
		return nil
	}
	for _, policy := range h.DeletePolicies {
		if policy != "" {
			hook.DeletePolicies = append(hook.DeletePolicies, string(policy))
		}
	}
	return hook
}

// unusedEvent holds for events that never come here.
func unusedEvent(e release.HookEvent, o Options) bool {
	switch e {
	case release.HookPreRollback, release.HookPostRollback:
		return true
	case release.HookTest, testSuccess:
		return !o.Tests
	}
	return false
}

// testSuccess is how Helm 2 called tests.
const testSuccess release.HookEvent = "test-success"

var knownEvents = []release.HookEvent{release.HookPreInstall, release.HookPostInstall, release.HookPreDelete, release.HookPostDelete,
	release.HookPreUpgrade, release.HookPostUpgrade, release.HookPreRollback, release.HookPostRollback, release.HookTest, testSuccess}

// warnOfHooks tells which manifests are left out because of an event that does not exist, as Helm leaves them out.
func (c *Chart) warnOfHooks(output map[string]string, warn func(string)) {
	for _, name := range slices.Sorted(maps.Keys(output)) {
		if !strings.Contains(output[name], release.HookAnnotation) {
			continue
		}
		for _, text := range releaseutil.SplitManifests(output[name]) {
			var head releaseutil.SimpleHead
			if err := yaml.Unmarshal([]byte(text), &head); err != nil || head.Metadata == nil {
				continue
			}
			for event := range strings.SplitSeq(head.Metadata.Annotations[release.HookAnnotation], ",") {
				event = strings.ToLower(strings.TrimSpace(event))
				if event != "" && !slices.Contains(knownEvents, release.HookEvent(event)) {
					warn(fmt.Sprintf("%s: %s %s is left out: %q is no event of a Helm hook", c.from[name], head.Kind, head.Metadata.Name, event))
				}
			}
		}
	}
}
