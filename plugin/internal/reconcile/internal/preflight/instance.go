package preflight

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
)

// Instance knows which objects belong to the instance itself. The client is that of the app.
type Instance struct {
	Cluster *cluster.Client
	Records *store.Store
}

// Guard refuses objects of the instance itself: its records, and those that its job takes its credentials from. Git
// does not decide who may write to Git. An object without a reserved name counts when applying it would change such an object.
func (i Instance) Guard(ctx context.Context, o *desired.Object) (manifest.Problems, error) {
	refuse := func(message, advice string) (manifest.Problems, error) {
		return manifest.Problems{{Origin: o.Origin, Object: o.ID(), Message: message, Hint: advice}}, nil
	}
	if why := record.Reserved(o.Ref, o.Manifest, i.Records.Namespace); why != "" {
		return refuse("the records of an instance do not come from Git: "+why, "remove it, or give it another name, without these labels and annotations")
	}
	if record.MayBeParent(o.Ref) { // in the namespace of another instance, if it is one
		live, err := i.Cluster.Get(ctx, o.Ref)
		if err == nil && record.IsMarked(live) {
			return refuse("the records of an instance do not come from Git: it is the record of an app in namespace "+o.Namespace, "give it another name")
		}
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
			return nil, err
		}
	}
	if o.Namespace != i.Records.Namespace || o.Group != "" || o.Ref.Kind.Kind != "Secret" && o.Ref.Kind.Kind != "ConfigMap" {
		return nil, nil
	}
	if key := trustKey(o.Manifest); key != "" && o.Ref.Kind.Kind == "Secret" {
		return refuse("the key "+key+" of a Secret of the instance is not taken from Git",
			"it says whom the instance trusts, tells or asks: put it into the Secret by hand, or by what only its owners may change")
	}
	own, err := i.IsCredentials(ctx, o.Ref)
	if err != nil || !own {
		return nil, err
	}
	return refuse("the instance takes its credentials and the keys it trusts from this object: no app may contain it",
		"leave it out of Git, or encrypt it and let something else put it there; an app may use another name")
}

// trustKey returns the first key of a Secret that says whom the instance trusts, notifies or asks, "" when there is none.
func trustKey(manifest *unstructured.Unstructured) string {
	for _, field := range []string{"data", "stringData"} {
		data, _ := manifest.Object[field].(map[string]any)
		for _, key := range []string{app.KeyAllowedSigners, app.KeyKeyring, app.KeyNotify, app.KeyMirrors} {
			if _, set := data[key]; set {
				return key
			}
		}
	}
	return ""
}

// IsCredentials reports whether the CronJob of the instance uses a Secret or ConfigMap in the namespace of the instance. It is
// an error when the CronJobs cannot be listed: an object that may be the credentials is not touched.
func (i Instance) IsCredentials(ctx context.Context, ref cluster.Ref) (bool, error) {
	if ref.Namespace != i.Records.Namespace {
		return false, nil
	}
	names, err := i.Records.Mounted(ctx)
	if err != nil {
		return false, hint.With(fmt.Errorf("%s: whether the instance takes its credentials from it is not known: %w", ref, err),
			"this needs the right to list cronjobs in namespace %s", i.Records.Namespace)
	}
	return slices.Contains(names, ref.Kind.Kind+"/"+ref.Name), nil
}
