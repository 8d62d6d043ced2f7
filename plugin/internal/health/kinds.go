package health

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// healthByKind are the rules of single kinds, by kind.group.
var healthByKind = map[string]func(*unstructured.Unstructured) (State, string){
	"Job.batch":                                jobHealth,
	"PersistentVolumeClaim.":                   claimHealth,
	"Service.":                                 serviceHealth,
	"Ingress.networking.k8s.io":                ingressHealth,
	"HorizontalPodAutoscaler.autoscaling":      autoscalerHealth,
	"Rollout.argoproj.io":                      rolloutHealth,
	"Application.argoproj.io":                  applicationHealth,
	"Certificate.cert-manager.io":              certificateHealth,
	"Issuer.cert-manager.io":                   mustBe("Ready"),
	"ClusterIssuer.cert-manager.io":            mustBe("Ready"),
	"SealedSecret.bitnami.com":                 sealedSecretHealth,
	"ExternalSecret.external-secrets.io":       mustBe("Ready"),
	"PushSecret.external-secrets.io":           mustBe("Ready"),
	"SecretStore.external-secrets.io":          mustBe("Ready"),
	"ClusterSecretStore.external-secrets.io":   mustBe("Ready"),
	"VaultStaticSecret.secrets.hashicorp.com":  vaultSecretHealth,
	"VaultDynamicSecret.secrets.hashicorp.com": vaultSecretHealth,
	"VaultAuth.secrets.hashicorp.com":          validHealth,
	"VaultConnection.secrets.hashicorp.com":    validHealth,
	"VaultPKISecret.secrets.hashicorp.com":     validHealth,
}

// healthByGroup are the rules of all kinds of a group and of the groups below it, but for some.
var healthByGroup = []struct {
	group  string
	except []string
	rule   func(*unstructured.Unstructured) (State, string)
}{
	// Alerts and Providers, since v1beta3, have no status.
	{"toolkit.fluxcd.io", []string{"Alert", "Provider"}, fluxHealth},
	{"pkg.crossplane.io", []string{"ProviderConfig", "ControllerConfig", "DeploymentRuntimeConfig", "Lock", "ImageConfig"}, mustBe("Installed", "Healthy")},
}

func jobHealth(u *unstructured.Unstructured) (State, string) {
	h, message := kstatus(u)
	if h == Healthy && !is(u, "Complete") {
		active, _, _ := unstructured.NestedInt64(u.Object, "status", "active")
		succeeded, _, _ := unstructured.NestedInt64(u.Object, "status", "succeeded")
		failed, _, _ := unstructured.NestedInt64(u.Object, "status", "failed")
		return Progressing, fmt.Sprintf("running: %d active, %d succeeded, %d failed", active, succeeded, failed)
	}
	return h, message
}

// provisioners are the annotations that name who makes the volume of a claim. The volume controller sets them when it
// wants one to be made: for a class with WaitForFirstConsumer not before a pod is scheduled.
var provisioners = []string{"volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner"}

// claimHealth lets a claim wait for its first pod: it could otherwise block the very wave that brings the pod. Who
// needs the volume is not healthy without it, so nothing is lost.
func claimHealth(u *unstructured.Unstructured) (State, string) {
	phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
	switch phase {
	case "Bound":
		return Healthy, ""
	case "Lost":
		return Degraded, "the volume it was bound to is gone"
	}
	for _, key := range provisioners {
		if by := u.GetAnnotations()[key]; by != "" {
			return Progressing, "waiting for a volume of " + by
		}
	}
	return Suspended, "waiting for its first pod, or for a volume that fits"
}

// serviceHealth does not wait for a load balancer, as kstatus does not: many clusters have none.
func serviceHealth(u *unstructured.Unstructured) (State, string) {
	h, message := kstatus(u)
	kind, _, _ := unstructured.NestedString(u.Object, "spec", "type")
	if h == Healthy && kind == "LoadBalancer" && !hasAddress(u) {
		return Healthy, "no load balancer has given it an address yet"
	}
	return h, message
}

func ingressHealth(u *unstructured.Unstructured) (State, string) {
	if !hasAddress(u) {
		return Healthy, "no ingress controller has given it an address yet"
	}
	return Healthy, ""
}

func hasAddress(u *unstructured.Unstructured) bool {
	addresses, _, _ := unstructured.NestedSlice(u.Object, "status", "loadBalancer", "ingress")
	return len(addresses) > 0
}

// autoscalerHealth: without metrics an autoscaler does nothing, and its workload runs on as it is.
func autoscalerHealth(u *unstructured.Unstructured) (State, string) {
	conditions := conditionsOf(u)
	for _, c := range conditions {
		if c.Status == "False" && (c.Reason == "InvalidSelector" || c.Reason == "InvalidMetricSourceType" || c.Reason == "AmbiguousSelector") {
			return Degraded, c.text()
		}
	}
	if c, ok := conditions["AbleToScale"]; ok && c.Status == "False" && strings.HasPrefix(c.Reason, "Failed") {
		return Progressing, c.text()
	}
	if c, ok := conditions["ScalingActive"]; ok && c.Status == "False" {
		if c.Reason == "ScalingDisabled" { // its target is scaled to zero
			return Suspended, c.text()
		}
		return Healthy, c.text()
	}
	return Healthy, ""
}

// rolloutHealth trusts the phase, if it is that of the present generation, which Argo Rollouts writes as text.
func rolloutHealth(u *unstructured.Unstructured) (State, string) {
	phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
	message, _, _ := unstructured.NestedString(u.Object, "status", "message")
	switch phase {
	case "Healthy":
		return Healthy, ""
	case "Degraded":
		return Degraded, orElse(message, "degraded")
	case "Paused":
		return Suspended, orElse(message, "paused")
	}
	return Progressing, orElse(message, "its controller has not reported yet")
}

// applicationHealth takes over what Argo CD says of an Application.
func applicationHealth(u *unstructured.Unstructured) (State, string) {
	text := func(path ...string) string {
		s, _, _ := unstructured.NestedString(u.Object, append([]string{"status"}, path...)...)
		return s
	}
	message := orElse(text("health", "message"), text("operationState", "message"))
	switch phase := text("operationState", "phase"); phase {
	case "Running", "Terminating":
		return Progressing, orElse(message, "syncing")
	case "Failed", "Error":
		return Degraded, orElse(text("operationState", "message"), "the last sync failed")
	}
	_, automated, _ := unstructured.NestedMap(u.Object, "spec", "syncPolicy", "automated")
	if text("sync", "status") == "OutOfSync" {
		if automated {
			return Progressing, "out of sync"
		}
		return Suspended, "out of sync, and not synced automatically"
	}
	switch h := State(text("health", "status")); h {
	case Healthy:
		return Healthy, ""
	case Degraded, Progressing, Suspended, Missing:
		return h, orElse(message, strings.ToLower(string(h)))
	case "":
		return Progressing, "its controller has not reported yet"
	}
	return Unknown, message
}

func certificateHealth(u *unstructured.Unstructured) (State, string) {
	if is(u, "Issuing") {
		return Progressing, conditionsOf(u)["Issuing"].text()
	}
	h, message := mustBe("Ready")(u)
	if attempts, _, _ := unstructured.NestedInt64(u.Object, "status", "failedIssuanceAttempts"); h == Progressing && attempts > 0 {
		return Degraded, fmt.Sprintf("%s (%d attempts failed)", message, attempts)
	}
	return h, message
}

// sealedSecretHealth: what cannot be decrypted today cannot be tomorrow.
func sealedSecretHealth(u *unstructured.Unstructured) (State, string) {
	if c, ok := conditionsOf(u)["Synced"]; ok && c.Status == "False" {
		return Degraded, c.text()
	}
	return mustBe("Synced")(u)
}

// vaultSecretHealth knows also the versions of the Vault Secrets Operator that show no conditions.
func vaultSecretHealth(u *unstructured.Unstructured) (State, string) {
	conditions := conditionsOf(u)
	for _, name := range []string{"SecretSynced", "Healthy", "Ready"} {
		if c, ok := conditions[name]; ok && c.Status != "True" {
			return Progressing, c.text()
		}
	}
	if seen, ok := observed(u.Object, "status", "lastGeneration"); ok && seen < u.GetGeneration() {
		return Progressing, "waiting for the controller"
	}
	mac, _, _ := unstructured.NestedString(u.Object, "status", "secretMAC")
	lease, _, _ := unstructured.NestedString(u.Object, "status", "secretLease", "id")
	if mac == "" && lease == "" && len(conditions) == 0 {
		return Progressing, "its controller has not reported yet"
	}
	return Healthy, ""
}

// validHealth is for kinds with a status.valid.
func validHealth(u *unstructured.Unstructured) (State, string) {
	valid, reported, _ := unstructured.NestedBool(u.Object, "status", "valid")
	message, _, _ := unstructured.NestedString(u.Object, "status", "error")
	switch {
	case valid:
		return Healthy, ""
	case reported:
		return Progressing, orElse(message, "not valid")
	}
	return Progressing, "its controller has not reported yet"
}

// fluxHealth is what Flux' own conditions mean to kstatus, but an object without them has not been looked at yet.
func fluxHealth(u *unstructured.Unstructured) (State, string) {
	if len(conditionsOf(u)) == 0 {
		return Progressing, "its controller has not reported yet"
	}
	return kstatus(u)
}

// syncedAndReady is the contract of Crossplane's resources, claims and composites.
func syncedAndReady(u *unstructured.Unstructured) (State, string) {
	if c := conditionsOf(u)["Synced"]; c.Status == "False" && c.Reason == "ReconcilePaused" {
		return Suspended, c.text()
	}
	return mustBe("Synced", "Ready")(u)
}

// mustBe is Healthy once all conditions are True, and Progressing before: their controllers try again and again, and
// what they wait for may come with the same commit.
func mustBe(names ...string) func(*unstructured.Unstructured) (State, string) {
	return func(u *unstructured.Unstructured) (State, string) {
		conditions := conditionsOf(u)
		for _, name := range names {
			c, ok := conditions[name]
			switch {
			case !ok:
				return Progressing, "its controller has not reported yet"
			case c.Generation > 0 && c.Generation < u.GetGeneration():
				return Progressing, "waiting for the controller"
			case c.Status != "True":
				return Progressing, c.text()
			}
		}
		return Healthy, ""
	}
}
