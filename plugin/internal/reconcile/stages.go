package reconcile

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
)

// stage says when an object is applied: phases in order, inside the phase of waves by wave. Deletes run backwards.
type stage struct {
	phase int
	wave  int
	depth int // of dependencies inside the wave
}

const (
	phaseNamespaces = iota
	phaseCRDs
	phaseClusterScoped
	phaseWaves
	phaseWebhooks
)

func (a stage) compare(b stage) int {
	return cmp.Or(cmp.Compare(a.phase, b.phase), cmp.Compare(a.wave, b.wave), cmp.Compare(a.depth, b.depth))
}

// stageOf tells the stage of an object from its kind and annotations.
func stageOf(k cluster.Kind, annotations map[string]string) stage {
	switch {
	case k.Group == "" && k.Kind == "Namespace":
		return stage{phase: phaseNamespaces}
	case isCRD(k):
		return stage{phase: phaseCRDs}
	case k.Group == "admissionregistration.k8s.io":
		return stage{phase: phaseWebhooks}
	}
	wave, hasWave := waveOf(annotations)
	if !k.Namespaced && !hasWave {
		return stage{phase: phaseClusterScoped}
	}
	return stage{phase: phaseWaves, wave: wave}
}

func waveOf(annotations map[string]string) (int, bool) {
	for _, name := range []string{desired.Wave, desired.ArgoWave} {
		if text, ok := annotations[name]; ok {
			n, err := strconv.Atoi(text)
			return n, err == nil
		}
	}
	return 0, false
}

func isCRD(k cluster.Kind) bool {
	return k.Group == "apiextensions.k8s.io" && k.Kind == "CustomResourceDefinition"
}

// order compares what is in one stage. Everything there runs in parallel; what others need simply starts first, namespace
// by namespace: so controllers have work while the next namespaces are applied. What only leads to workloads comes at
// the end of all: nothing waits for it, and it gives the last workloads time to become healthy.
func order(a, b cluster.Ref) int {
	if last := leads(a.Kind); last != leads(b.Kind) {
		if last {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(rank(a.Kind), rank(b.Kind)))
}

// leads tells whether objects of a kind only lead to workloads.
func leads(k cluster.Kind) bool {
	return slices.Contains([]string{"Ingress", "HTTPRoute", "GRPCRoute"}, k.Kind)
}

// rank tells what needs what: the higher one the lower one.
func rank(k cluster.Kind) int {
	early := []string{"ServiceAccount", "Role", "RoleBinding", "ResourceQuota", "LimitRange", "Secret", "ConfigMap",
		"PersistentVolumeClaim", "Service"}
	if i := slices.Index(early, k.Kind); i >= 0 {
		return i
	}
	switch k.Kind {
	case "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod":
		return len(early) + 1
	}
	if leads(k) {
		return len(early) + 2
	}
	return len(early)
}
