package install

import (
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/rbac"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Names that are the same in every instance. What is cluster-wide carries the instance's namespace too (see clusterName).
const (
	Name           = "gitops" // of the ServiceAccount, the CronJob, and Roles and RoleBindings
	Manager        = "gitops-install"
	CredentialsDir = "/etc/kubectl-gitops/credentials"

	labelInstance  = record.LabelInstance
	labelManagedBy = "app.kubernetes.io/managed-by"
	labelName      = "app.kubernetes.io/name"
	tool           = "kubectl-gitops"

	// annotationPrune keeps an instance that is also in Git from pruning itself.
	annotationPrune = "kubectl-gitops.dev/prune"
	labelRBAC       = "kubectl-gitops.dev/rbac" // the value of --rbac that `install` was given
)

// The kinds an instance is made of.
var (
	Namespaces          = cluster.Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}
	ServiceAccounts     = cluster.Kind{Version: "v1", Kind: "ServiceAccount", Resource: "serviceaccounts", Namespaced: true}
	CronJobs            = cluster.Kind{Group: "batch", Version: "v1", Kind: "CronJob", Resource: "cronjobs", Namespaced: true}
	Jobs                = cluster.Kind{Group: "batch", Version: "v1", Kind: "Job", Resource: "jobs", Namespaced: true}
	Roles               = cluster.Kind{Group: groupRBAC, Version: "v1", Kind: "Role", Resource: "roles", Namespaced: true}
	RoleBindings        = cluster.Kind{Group: groupRBAC, Version: "v1", Kind: "RoleBinding", Resource: "rolebindings", Namespaced: true}
	ClusterRoles        = cluster.Kind{Group: groupRBAC, Version: "v1", Kind: "ClusterRole", Resource: "clusterroles"}
	ClusterRoleBindings = cluster.Kind{Group: groupRBAC, Version: "v1", Kind: "ClusterRoleBinding", Resource: "clusterrolebindings"}
)

const groupRBAC = "rbac.authorization.k8s.io"

// Options say how an instance is to be.
type Options struct {
	Namespace string
	Image     string
	Schedule  string        // of the CronJob, five fields
	Args      []string      // of reconcile, each --flag=value
	Secret    string        // with credentials for Git, mounted at CredentialsDir; "" is none
	Deadline  time.Duration // after which a job is killed
	Memory    string        // limit of the container, a Kubernetes quantity
	RBAC      Mode
	Rights    []rbac.Grant // with RBAC Generated: beside what every instance needs
	Spaces    []string     // namespaces that Rights need to exist; those that do are used as they are
}

// Object is one manifest and where it goes.
type Object struct {
	cluster.Ref
	Manifest *unstructured.Unstructured
}

type fields = map[string]any

// Objects returns the manifests of an instance, in an order that applies.
func Objects(o Options) []Object {
	objects := []Object{
		o.object(Namespaces, "", o.Namespace, fields{}),
		o.object(ServiceAccounts, o.Namespace, Name, fields{"automountServiceAccountToken": false}),
	}
	for _, name := range o.Spaces {
		ns := o.object(Namespaces, "", name, fields{})
		ns.Manifest.SetLabels(map[string]string{record.LabelCreatedBy: o.Namespace}) // it is the apps': uninstall may leave it
		ns.Manifest.SetAnnotations(nil)
		objects = append(objects, ns)
	}
	objects = append(objects, o.rbac()...)
	job := o.object(CronJobs, o.Namespace, Name, fields{"spec": o.cronJob()})
	job.Manifest.SetLabels(with(job.Manifest.GetLabels(), labelRBAC, string(o.RBAC)))
	objects = append(objects, job)
	restricted := objects[0].Manifest
	restricted.SetLabels(with(restricted.GetLabels(), "pod-security.kubernetes.io/enforce", "restricted"))
	return objects
}

// clusterName is the name of cluster-scoped objects of an instance.
func clusterName(namespace string) string { return tool + ":" + namespace }

func (o Options) object(k cluster.Kind, namespace, name string, content fields) Object {
	u := &unstructured.Unstructured{Object: maps.Clone(content)}
	u.SetGroupVersionKind(k.GVK())
	u.SetName(name)
	u.SetNamespace(namespace)
	u.SetLabels(map[string]string{labelName: tool, labelManagedBy: tool, labelInstance: o.Namespace})
	u.SetAnnotations(map[string]string{annotationPrune: "disabled"})
	return Object{cluster.Ref{Kind: k, Namespace: namespace, Name: name}, u}
}

func with(m map[string]string, key, value string) map[string]string {
	m = maps.Clone(m)
	m[key] = value
	return m
}

// cronJob is the spec of the CronJob. A job starts each minute and ends within it, so that a new image, new arguments
// and new credentials are picked up; while one still works, the next is not started.
func (o Options) cronJob() fields {
	return fields{
		"schedule":                   o.Schedule,
		"concurrencyPolicy":          "Forbid",
		"startingDeadlineSeconds":    int64(90),
		"successfulJobsHistoryLimit": int64(1),
		"failedJobsHistoryLimit":     int64(3),
		"jobTemplate": fields{
			"metadata": fields{"labels": fields{labelName: tool, labelInstance: o.Namespace}},
			"spec": fields{
				"backoffLimit":          int64(0), // the next job tries again
				"activeDeadlineSeconds": int64(o.Deadline / time.Second),
				"template": fields{
					"metadata": fields{"labels": fields{labelName: tool, labelInstance: o.Namespace}},
					"spec":     o.pod(),
				},
			},
		},
	}
}

const user = int64(65532) // nobody's: what is mounted belongs to its group

// pod passes the Pod Security Standard "restricted".
func (o Options) pod() fields {
	mounts := []any{fields{"name": "tmp", "mountPath": "/tmp"}}
	volumes := []any{fields{"name": "tmp", "emptyDir": fields{"sizeLimit": "1Gi"}}}
	args := anyOf(append(append([]string{"reconcile"}, o.always()...), o.Args...))
	if o.Secret != "" {
		mounts = append(mounts, fields{"name": "credentials", "mountPath": CredentialsDir, "readOnly": true})
		volumes = append(volumes, fields{"name": "credentials", "secret": fields{
			// Optional: a pod that does not start could not say that the Secret is missing.
			"secretName": o.Secret, "optional": true, "defaultMode": int64(0o440)}})
	}
	return fields{
		"serviceAccountName":           Name,
		"automountServiceAccountToken": true,
		"enableServiceLinks":           false,
		"restartPolicy":                "Never",
		"nodeSelector":                 fields{"kubernetes.io/os": "linux"},
		"securityContext": fields{
			"runAsNonRoot": true, "runAsUser": user, "runAsGroup": user, "fsGroup": user,
			"seccompProfile": fields{"type": "RuntimeDefault"},
		},
		"containers": []any{fields{
			"name":            "reconcile",
			"image":           o.Image,
			"imagePullPolicy": "IfNotPresent",
			"args":            args,
			"resources": fields{
				"requests": fields{"cpu": "10m", "memory": "64Mi"},
				"limits":   fields{"memory": o.Memory},
			},
			"securityContext": fields{
				"allowPrivilegeEscalation": false,
				"readOnlyRootFilesystem":   true,
				"capabilities":             fields{"drop": []any{"ALL"}},
			},
			"volumeMounts": mounts,
		}},
		"volumes": volumes,
	}
}
