package desired

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// Stage says when an object is applied: by phase, inside PhaseWaves by wave, and inside a wave by depth. Objects are deleted
// in the reverse order.
type Stage struct {
	Phase int
	Wave  int
	Depth int // of dependencies inside the wave
}

// The phases of a run, in order: Namespaces, CRDs, other cluster-scoped objects, the waves with everything else, and
// admission webhooks.
const (
	PhaseNamespaces = iota
	PhaseCRDs
	phaseClusterScoped
	PhaseWaves
	phaseWebhooks
)

// Compare is negative when a comes before b, 0 when they are the same stage.
func (a Stage) Compare(b Stage) int {
	return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Wave, b.Wave), cmp.Compare(a.Depth, b.Depth))
}

// StageOf returns the stage of an object by its kind and annotations.
func StageOf(k object.Kind, annotations map[string]string) Stage {
	switch {
	case k.Group == "" && k.Kind == "Namespace":
		return Stage{Phase: PhaseNamespaces}
	case IsCRD(k):
		return Stage{Phase: PhaseCRDs}
	case k.Group == "admissionregistration.k8s.io":
		return Stage{Phase: phaseWebhooks}
	}
	wave, hasWave := waveOf(annotations)
	if !k.Namespaced && !hasWave {
		return Stage{Phase: phaseClusterScoped}
	}
	return Stage{Phase: PhaseWaves, Wave: wave}
}

func waveOf(annotations map[string]string) (int, bool) {
	for _, name := range []string{Wave, ArgoWave} {
		if text, ok := annotations[name]; ok {
			n, err := strconv.Atoi(text)
			return n, err == nil
		}
	}
	return 0, false
}

// IsCRD reports whether a kind is CustomResourceDefinition.
func IsCRD(k object.Kind) bool {
	return k.Group == "apiextensions.k8s.io" && k.Kind == "CustomResourceDefinition"
}

// Order compares two objects of one stage. All objects of a stage are applied in parallel; the order says which start first.
// What others need comes first, namespace by namespace, so that controllers have work while the next namespaces are applied.
// What only leads to workloads, such as an Ingress, comes last: nothing waits for it, and the last workloads get time to
// become healthy.
func Order(a, b object.Ref) int {
	if last := leads(a.Kind); last != leads(b.Kind) {
		if last {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(Rank(a.Kind), Rank(b.Kind)))
}

// leads tells whether objects of a kind only lead to workloads.
func leads(k object.Kind) bool {
	return slices.Contains([]string{"Ingress", "HTTPRoute", "GRPCRoute"}, k.Kind)
}

// Rank returns the place of a kind among the objects that are applied together: an object may need objects of a lower rank.
// An autoscaler comes after the workloads, because it reports FailedGetScale while its target does not exist.
func Rank(k object.Kind) int {
	early := []string{"ServiceAccount", "Role", "RoleBinding", "ResourceQuota", "LimitRange", "Secret", "ConfigMap",
		"PersistentVolumeClaim", "Service"}
	if i := slices.Index(early, k.Kind); i >= 0 {
		return i
	}
	switch k.Kind {
	case "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod":
		return len(early) + 1
	}
	switch {
	case k.Group == "autoscaling":
		return len(early) + 2
	case leads(k):
		return len(early) + 3
	}
	return len(early)
}
