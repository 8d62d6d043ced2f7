// Package inspect answers questions about the apps of an instance: status, tree, trace. It reads the records and the cluster,
// never Git, and it can write neither: its Cluster has no verbs for that.
package inspect

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Cluster are the read verbs of *cluster.Client, which implements it.
type Cluster interface {
	observe.Cluster
	Latest(ctx context.Context, gvk schema.GroupVersionKind) (object.Kind, error)
	Named(ctx context.Context, name string) ([]object.Kind, error)
	FindMetadata(ctx context.Context, k object.Kind, namespace, name string) ([]metav1.PartialObjectMetadata, error)
	OwnerKind(ctx context.Context, owner metav1.OwnerReference) (object.Kind, error)
}

// Records are the read methods of *store.Store, which implements it.
type Records interface {
	ID(app string) string
	Instance() string
	Parents(ctx context.Context) (map[string]*record.Record, error)
	Load(ctx context.Context) (*record.Loaded, error)
}

// Inspector reads one instance with the rights of one user.
type Inspector struct {
	Cluster Cluster
	Records Records
	Now     func() time.Time

	reader   observe.Reader
	compiled health.Cache
}

// New returns an Inspector.
func New(cluster Cluster, records Records) *Inspector {
	return &Inspector{Cluster: cluster, Records: records, Now: time.Now, reader: observe.Reader{Cluster: cluster}}
}
