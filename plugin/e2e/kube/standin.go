package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const (
	// retryEvery is how soon a pod is tried again whose status could not be written. It costs no request otherwise.
	retryEvery = time.Second
	// standInWrites is how many statuses are written at once.
	standInWrites = 4
)

// StandIn takes the place of nodes, because there are none: it lists and watches the pods that nobody has scheduled
// and writes into their status what a kubelet would report, one request per pod. No container runs.
//
//   - A pod becomes Running and Ready at once, and stays so. It is not bound to a node, therefore it is gone as soon as
//     it is deleted. It has no address, logs or exec, and its probes are not run.
//   - A pod of a Job (restartPolicy other than Always) becomes Succeeded with exit code 0.
//   - With an image whose tag contains "fails" it becomes Failed with exit code 1, and says what its args say.
//   - A pod with an image whose tag contains "broken" stays Pending and waits with the reason ImagePullBackOff.
//
// Deployments, ReplicaSets, StatefulSets and Jobs therefore go through the states that the real controllers give
// them. DaemonSets have no nodes to run on, claims for volumes stay Pending, load balancers get no address.
//
// StandIn returns when ctx is done. It survives every error of the API server by listing again.
func StandIn(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("stand-in for nodes: %w", err)
	}
	s := &standIn{client: client, slots: make(chan struct{}, standInWrites), busy: map[types.UID]bool{}}
	pending := fields.ParseSelectorOrDie("spec.nodeName=,status.phase=Pending")
	pods := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, pending)
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: pods, ObjectType: &corev1.Pod{}, ResyncPeriod: retryEvery,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(obj any) { s.report(ctx, obj.(*corev1.Pod)) },
			UpdateFunc: func(_, obj any) { s.report(ctx, obj.(*corev1.Pod)) },
		},
	})
	informer.RunWithContext(ctx)
	s.writes.Wait()
	return nil
}

type standIn struct {
	client kubernetes.Interface
	slots  chan struct{}
	writes sync.WaitGroup

	mu   sync.Mutex
	busy map[types.UID]bool // pods whose status is being written
}

// report writes the status of one pod, in the background. Errors are left to the next resync.
func (s *standIn) report(ctx context.Context, pod *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[pod.UID] || pod.DeletionTimestamp != nil || pullFailed(pod) {
		return
	}
	s.busy[pod.UID] = true
	s.writes.Go(func() {
		s.slots <- struct{}{}
		defer func() {
			<-s.slots
			s.mu.Lock()
			delete(s.busy, pod.UID)
			s.mu.Unlock()
		}()
		patch, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"uid": pod.UID}, // never the status of a namesake
			"status":   podStatus(pod, metav1.Now()),
		})
		if err != nil {
			return
		}
		_, _ = s.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	})
}

func pullFailed(pod *corev1.Pod) bool {
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Waiting != nil && c.State.Waiting.Reason == "ImagePullBackOff" {
			return true
		}
	}
	return false
}

// podStatus is what a kubelet would have come to report about pod by now.
func podStatus(pod *corev1.Pod, now metav1.Time) corev1.PodStatus {
	status := corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &now}
	isReady, reason := corev1.ConditionTrue, ""
	switch {
	case anyTagged(pod, "broken"):
		status.Phase, isReady, reason = corev1.PodPending, corev1.ConditionFalse, "ContainersNotReady"
	case pod.Spec.RestartPolicy != corev1.RestartPolicyAlways && anyTagged(pod, "fails"):
		status.Phase, isReady, reason = corev1.PodFailed, corev1.ConditionFalse, "PodFailed"
	case pod.Spec.RestartPolicy != corev1.RestartPolicyAlways:
		status.Phase, isReady, reason = corev1.PodSucceeded, corev1.ConditionFalse, "PodCompleted"
	}
	for _, c := range pod.Spec.InitContainers {
		status.InitContainerStatuses = append(status.InitContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, State: corev1.ContainerState{Terminated: completed(now)}, Ready: true,
		})
	}
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, containerStatus(c, status.Phase, now))
	}
	for _, t := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: t, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	for _, t := range []corev1.PodConditionType{corev1.ContainersReady, corev1.PodReady} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: t, Status: isReady, Reason: reason, LastTransitionTime: now})
	}
	return status
}

func containerStatus(c corev1.Container, phase corev1.PodPhase, now metav1.Time) corev1.ContainerStatus {
	status := corev1.ContainerStatus{Name: c.Name, Image: c.Image}
	switch {
	case tagged(c.Image, "broken"):
		status.State.Waiting = &corev1.ContainerStateWaiting{
			Reason: "ImagePullBackOff", Message: fmt.Sprintf("Back-off pulling image %q", c.Image),
		}
	case phase == corev1.PodFailed && tagged(c.Image, "fails"):
		status.State.Terminated = completed(now)
		status.State.Terminated.Reason, status.State.Terminated.ExitCode = "Error", 1
		status.State.Terminated.Message = strings.Join(c.Args, " ")
	case phase == corev1.PodSucceeded, phase == corev1.PodFailed:
		status.State.Terminated = completed(now)
	default:
		started := true
		status.Ready, status.Started = true, &started
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: now}
	}
	return status
}

func completed(now metav1.Time) *corev1.ContainerStateTerminated {
	return &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}
}

func anyTagged(pod *corev1.Pod, word string) bool {
	for _, c := range pod.Spec.Containers {
		if tagged(c.Image, word) {
			return true
		}
	}
	return false
}

// tagged says whether the tag of an image contains word.
func tagged(image, word string) bool {
	name := image[strings.LastIndex(image, "/")+1:]
	_, tag, _ := strings.Cut(name, ":")
	return strings.Contains(tag, word)
}

// startStandIn runs StandIn as the user "stand-in" until the cluster stops.
func (c *Cluster) startStandIn(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	config := c.restConfig("stand-in", "system:masters")
	go func() { done <- StandIn(ctx, config) }()
	c.cleanup = append(c.cleanup, func() {
		cancel()
		<-done
	})
	return nil
}
