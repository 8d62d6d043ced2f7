package plugin

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
)

var secretKind = cluster.Kind{Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true}

// chartSecrets reads the Secrets with credentials that charts name, in the namespace of the instance. connect is called when the first one
// is needed. What belongs to the instance itself is refused: a chart would send it to the address that the chart names.
func chartSecrets(connect func() (*cluster.Client, *store.Store, error)) target.Secrets {
	return func(ctx context.Context, name string) (map[string][]byte, error) {
		client, store, err := connect()
		if err != nil {
			return nil, hint.With(fmt.Errorf("the Secret %s is needed: %w", name, err), "%s", target.WithoutCluster(name))
		}
		ref := cluster.Ref{Kind: secretKind, Namespace: store.Namespace, Name: name}
		own, err := store.Mounted(ctx)
		if err != nil {
			return nil, hint.With(fmt.Errorf("%s: whether the instance takes its credentials from it is not known: %w", ref, err),
				"this needs the right to list cronjobs in namespace %s", store.Namespace)
		}
		refused := slices.Contains(own, "Secret/"+name)
		live, err := client.Get(ctx, ref)
		if apierrors.IsNotFound(err) && !refused {
			return nil, hint.With(fmt.Errorf("%s in namespace %s: %w", ref, store.Namespace, err), "create it in that namespace, with the keys of Flux: username and password, or .dockerconfigjson")
		}
		if err != nil && !refused {
			return nil, fmt.Errorf("%s in namespace %s: %w", ref, store.Namespace, err)
		}
		if refused || record.Reserved(ref, live, store.Namespace) != "" || record.IsMarked(live) {
			return nil, hint.Errorf(fmt.Sprintf("%s in namespace %s belongs to the instance itself, and no app uses it", ref, store.Namespace),
				"leave secret out to use the credentials of the instance for its hosts, or put those of the chart or source into a Secret of their own")
		}
		encoded, _ := live.Object["data"].(map[string]any)
		data := map[string][]byte{}
		for key, value := range encoded {
			text, _ := value.(string)
			if data[key], err = base64.StdEncoding.DecodeString(text); err != nil {
				return nil, fmt.Errorf("%s: %s is not base64", ref, key)
			}
		}
		return data, nil
	}
}

// connected returns what is connected already.
func connected(client *cluster.Client, records *store.Store) func() (*cluster.Client, *store.Store, error) {
	return func() (*cluster.Client, *store.Store, error) { return client, records, nil }
}
