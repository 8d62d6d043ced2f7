package node

import (
	"context"
	"errors"

	admission "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// ownImage is a CEL expression that is true of a pod whose first image has been imported here.
const ownImage = `object.spec.containers[0].image.startsWith("ghcr.io/kubectl-gitops/") || object.spec.containers[0].image.startsWith("gitops.test/")`

// schedule has the API server itself assign pods to the node when they are created, in the place of a scheduler, so
// that they need not be changed for the test. It returns when that happens.
func (n *Node) schedule(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(n.cluster.RESTConfig())
	if err != nil {
		return err
	}
	const name = "node.gitops.test"
	failure := admission.Fail
	policy := &admission.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admission.MutatingAdmissionPolicySpec{
			FailurePolicy:      &failure,
			ReinvocationPolicy: admission.NeverReinvocationPolicy,
			MatchConstraints: &admission.MatchResources{ResourceRules: []admission.NamedRuleWithOperations{{
				RuleWithOperations: admission.RuleWithOperations{
					Operations: []admission.OperationType{admission.Create},
					Rule:       admission.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
				},
			}}},
			MatchConditions: []admission.MatchCondition{{Name: "own-image", Expression: ownImage}},
			Mutations: []admission.Mutation{{
				PatchType:          admission.PatchTypeApplyConfiguration,
				ApplyConfiguration: &admission.ApplyConfiguration{Expression: `Object{spec: Object.spec{nodeName: "` + Name + `"}}`},
			}},
		},
	}
	binding := &admission.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       admission.MutatingAdmissionPolicyBindingSpec{PolicyName: name},
	}
	api := client.AdmissionregistrationV1()
	if _, err := api.MutatingAdmissionPolicies().Create(ctx, policy, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := api.MutatingAdmissionPolicyBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return err
	}
	probe := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "probe"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "pause", Image: pauseImage}}},
	}
	return n.wait(ctx, func(ctx context.Context) error {
		pod, err := client.CoreV1().Pods("default").Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && pod.Spec.NodeName != Name {
			err = errors.New("pods are not assigned to the node")
		}
		return err
	})
}
