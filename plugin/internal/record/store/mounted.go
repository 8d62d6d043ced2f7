package store

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

var cronJobs = cluster.Kind{Group: "batch", Version: "v1", Kind: "CronJob", Resource: "cronjobs", Namespaced: true}

// Mounted lists the Secrets and ConfigMaps that the CronJobs of the instance take anything from, as Kind/name. The server is
// asked once in the life of a process.
func (s *Store) Mounted(ctx context.Context) ([]string, error) {
	s.mounts.mu.Lock()
	defer s.mounts.mu.Unlock()
	if s.mounts.asked {
		return s.mounts.names, nil
	}
	jobs, _, err := s.Cluster.List(ctx, cronJobs, s.Namespace, record.LabelInstance)
	if err != nil {
		return nil, err
	}
	s.mounts.asked = true
	for _, job := range jobs {
		spec, _, _ := unstructured.NestedFieldNoCopy(job.Object, "spec", "jobTemplate", "spec", "template", "spec")
		s.mounts.names = append(s.mounts.names, references(spec, "")...)
	}
	return s.mounts.names, nil
}

// references lists what a pod names in the fields that name Secrets and ConfigMaps, as Kind/name. field is the one that at
// stands in.
func references(at any, field string) []string {
	var out []string
	switch v := at.(type) {
	case []any:
		for _, item := range v {
			out = append(out, references(item, field)...)
		}
	case map[string]any:
		kind := map[string]string{"secret": "Secret", "secretRef": "Secret", "secretKeyRef": "Secret", "imagePullSecrets": "Secret", "nodePublishSecretRef": "Secret",
			"configMap": "ConfigMap", "configMapRef": "ConfigMap", "configMapKeyRef": "ConfigMap"}[field]
		for _, key := range []string{"name", "secretName"} {
			if name, ok := v[key].(string); ok && kind != "" {
				out = append(out, kind+"/"+name)
			}
		}
		for key, inner := range v {
			out = append(out, references(inner, key)...)
		}
	}
	return out
}
