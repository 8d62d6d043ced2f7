package install

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
)

// Settings are what an installed CronJob was made with.
type Settings struct {
	Flags    map[string]string // of reconcile; a flag without a value is "true"
	Args     []string          // of reconcile, without those that every instance has
	Schedule string
	Secret   string
	Memory   string
	Image    string
	RBAC     Mode
}

// always are the arguments that install itself chooses.
func (o Options) always() []string {
	args := []string{"--namespace=" + o.Namespace, "--log-format=json", "--events", "--termination-log=/dev/termination-log"}
	if o.Secret != "" {
		args = append(args, "--credentials-dir="+CredentialsDir)
	}
	return args
}

// Settings reads the settings of what is installed; nil when nothing is.
func (i *Instance) Settings(ctx context.Context) (*Settings, error) {
	u, err := i.CronJob(ctx)
	if err != nil {
		return nil, explain(cluster.Ref{Kind: CronJobs, Namespace: i.Namespace, Name: Name}, err)
	}
	if u == nil {
		return nil, nil
	}
	return settingsOf(u), nil
}

func settingsOf(u *unstructured.Unstructured) *Settings {
	s := &Settings{Flags: map[string]string{}, RBAC: Mode(u.GetLabels()[labelRBAC])}
	s.Schedule, _, _ = unstructured.NestedString(u.Object, "spec", "schedule")
	pod, _, _ := unstructured.NestedMap(u.Object, "spec", "jobTemplate", "spec", "template", "spec")
	for _, v := range items(pod, "volumes") {
		if name, found, _ := unstructured.NestedString(v, "secret", "secretName"); found && v["name"] == "credentials" {
			s.Secret = name
		}
	}
	always := Options{Namespace: u.GetNamespace(), Secret: "any"}.always()
	for _, c := range items(pod, "containers") {
		s.Image, _ = c["image"].(string)
		s.Memory, _, _ = unstructured.NestedString(c, "resources", "limits", "memory")
		args, _, _ := unstructured.NestedStringSlice(c, "args")
		for _, arg := range args {
			name, value, hasValue := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
			if !strings.HasPrefix(arg, "--") || slices.Contains(always, arg) {
				continue
			}
			if !hasValue {
				value = "true"
			}
			s.Flags[name] = value
			s.Args = append(s.Args, arg)
		}
		break
	}
	return s
}

// items lists the maps in a list of an object, none where there is no such list.
func items(object any, field string) []map[string]any {
	u, _ := object.(map[string]any)
	list, _, _ := unstructured.NestedSlice(u, field)
	var out []map[string]any
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
