package wait

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// elsewhere are objects that the app waits for and that are not its own: those of another app, or of the cluster. They have no
// row in the record, and no watch: a wait reads them one by one.
type elsewhere struct {
	refs  map[object.Key]cluster.Ref // without resource and version until the kind is known
	asked time.Time                  // when the server was last asked anew which kinds it serves
}

// askAgain is after how long the server is asked anew for a kind that it does not serve.
const askAgain = 15 * time.Second

// note adds objects, and returns their keys.
func (e *elsewhere) note(objects []app.WaitFor) []object.Key {
	var keys []object.Key
	for _, o := range objects {
		k := object.Key{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
		if e.refs == nil {
			e.refs = map[object.Key]cluster.Ref{}
		}
		if _, known := e.refs[k]; !known {
			e.refs[k] = cluster.Ref{Kind: cluster.Kind{Group: o.Group, Kind: o.Kind, Namespaced: true}, Namespace: o.Namespace, Name: o.Name}
		}
		keys = append(keys, k)
	}
	return keys
}

// except returns the objects in open that are the app's.
func (e *elsewhere) except(open []Unhealthy) []Unhealthy {
	var out []Unhealthy
	for _, a := range open {
		if _, is := e.refs[a.key]; !is {
			out = append(out, a)
		}
	}
	return out
}

// read reads the noted objects at keys into track, with the rights of the app. An object that does not exist, or whose kind the
// server does not serve, is not healthy yet.
func (e *elsewhere) read(ctx context.Context, client *cluster.Client, now time.Time, track *Tracker, keys []object.Key) error {
	for _, k := range keys {
		ref, is := e.refs[k]
		if !is {
			continue
		}
		track.After[k] = nil
		if ref.Resource == "" {
			known, err := e.kindOf(ctx, client, now, ref.Kind)
			if err != nil {
				return err
			}
			if known.Resource == "" {
				continue
			}
			if ref.Kind = known; !known.Namespaced {
				ref.Namespace = ""
			}
			e.refs[k] = ref
		}
		u, err := client.Get(ctx, ref)
		switch {
		case err == nil:
			u.SetManagedFields(nil)
			track.After[k] = u
		case apierrors.IsForbidden(err):
			return hint.With(fmt.Errorf("wait: %s: %w", ref, err), "the app waits for this object: allow its account to read it, or take it out of wait in gitops.yaml")
		case !apierrors.IsNotFound(err):
			return fmt.Errorf("wait: %s: %w", ref, err)
		}
	}
	return nil
}

// kindOf returns how the server serves a kind, an empty Kind when it does not. A kind that may come is asked for again every 15
// seconds.
func (e *elsewhere) kindOf(ctx context.Context, client *cluster.Client, now time.Time, k cluster.Kind) (cluster.Kind, error) {
	gvk := schema.GroupVersionKind{Group: k.Group, Kind: k.Kind}
	var unknown *cluster.UnknownKindError
	known, err := client.Latest(ctx, gvk)
	if errors.As(err, &unknown) && now.Sub(e.asked) > askAgain {
		e.asked = now
		known, err = client.Served(ctx, gvk)
	}
	switch {
	case errors.As(err, &unknown) && k.Group == "": // no CustomResourceDefinition can bring it
		return known, hint.With(fmt.Errorf("wait: the kind %s is not in the core API group", k.Kind), "%s; write its group into wait in gitops.yaml", strings.Join(hint.Of(err), "; "))
	case errors.As(err, &unknown):
		return cluster.Kind{}, nil
	}
	return known, err
}
