package apply

import (
	"context"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// SharedValues are the generated values of the objects that an app has already. They are read when the first object lacks one.
type SharedValues struct {
	objects []*desired.Object
	once    sync.Once
	known   generated.Known
}

// NewSharedValues returns the values of those objects that the record knows.
func NewSharedValues(objects []*desired.Object, rec *record.Record) *SharedValues {
	v := &SharedValues{known: generated.Known{}}
	for _, o := range objects {
		if len(o.Generated) == 0 {
			continue
		}
		if row, known := rec.Row(o.Key()); known && row.UID != "" {
			v.objects = append(v.objects, o)
		}
	}
	return v
}

// read returns the values. The objects are read once; one that cannot be read knows nothing.
func (v *SharedValues) read(ctx context.Context, client *cluster.Client) generated.Known {
	v.once.Do(func() {
		for _, o := range v.objects {
			if live, err := client.Get(ctx, o.Ref); err == nil {
				v.known.Learn(o.Manifest.Object, live.Object, o.Generated)
			}
		}
	})
	return v.known
}
