package plugin

import (
	"context"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// warnUnpublished says that the CronJob gets an image that exists only where somebody built it.
func (o *installOptions) warnUnpublished(u *ui.Terminal) {
	if o.image == imageName+":"+unreleased {
		u.Warn("this is a build between two releases, so nobody publishes the image %s", o.image)
		u.Hint("pass --image with one that your cluster can pull; `make image` in a checkout packs one")
	}
}

// warnNoSecret says that the Secret with credentials is missing. Whoever may not read it is not bothered.
func (o *installOptions) warnNoSecret(ctx context.Context, u *ui.Terminal, client *cluster.Client, namespace string) {
	if o.secret == "" {
		return
	}
	kind := cluster.Kind{Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true}
	if found, err := client.FindMetadata(ctx, kind, namespace, o.secret); err == nil && len(found) == 0 {
		u.Warn("the Secret %s does not exist in namespace %s, so the job has no credentials for Git", o.secret, namespace)
		u.Hint("kubectl create secret generic %s -n %s --from-literal=username=x-access-token --from-file=password=token.txt", o.secret, namespace)
	}
}

// nextSteps says what to type after an installation.
func (o *installOptions) nextSteps(u *ui.Terminal, namespace string) {
	at := ""
	if namespace != DefaultNamespace {
		at = " -n " + namespace
	}
	u.Hint("`kubectl gitops trigger%s` starts a first job now and shows its log; `kubectl gitops status%s` shows the apps", at, at)
}
