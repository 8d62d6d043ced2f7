#!/bin/sh
# from-argo-cd.sh APPLICATION [FLAG...]
#
# Hands the objects of one Argo CD Application over to `kubectl gitops`, without deleting or restarting anything.
# FLAGs go to `kubectl gitops reconcile`, for example --token-file=token or -n gitops-system. Argo CD's namespace is
# $ARGOCD_NAMESPACE, or argocd. DRY_RUN=1 stops after saying what would change.
set -eu

stop() {
	printf 'error: %s\n' "$1" >&2
	exit 1
}
[ $# -ge 1 ] || stop "usage: from-argo-cd.sh APPLICATION [FLAG...]"
name=$1
shift
where=${ARGOCD_NAMESPACE:-argocd}
application() { kubectl get applications.argoproj.io "$name" --namespace "$where" -o "jsonpath={$1}"; }

# 1. Is it something that this script can hand over?
application .metadata.name >/dev/null || stop "no Application $name in the namespace $where"
for field in sources source.chart source.helm source.kustomize source.plugin source.directory.jsonnet source.directory.include source.directory.exclude; do
	[ -z "$(application ".spec.$field")" ] || stop "$name uses spec.$field: write it into the config repository first, see docs/from-argo-cd.md"
done
[ -z "$(application '.metadata.ownerReferences[*].kind')" ] || stop "$name is made by an ApplicationSet, which would make it again: take it out of that first"
[ -z "$(application '.metadata.annotations.argocd\.argoproj\.io/tracking-id')" ] || stop "$name is made by another Application, which would make it again: take it out of that first, with Prune=false"
case "$(application .spec.destination.server)" in
'' | https://kubernetes.default.svc) ;;
*) stop "$name deploys to another cluster: run this against that cluster" ;;
esac

ref=$(application .spec.source.targetRevision)
[ "$ref" != HEAD ] || ref=
path=$(application .spec.source.path)
namespace=$(application .spec.destination.namespace)
set -- --name="$name" --repo="$(application .spec.source.repoURL)" --path="${path:-.}" ${ref:+--ref="$ref"} ${namespace:+--target-namespace="$namespace"} "$@"

# 2. What would change? Everything exists already, so nothing may be created.
printf 'What would change:\n' >&2
new=$(kubectl gitops reconcile "$@" --dry-run=server -o 'jsonpath={.apps[0].counts.created}')
[ "$new" = 0 ] || stop "$new objects in Git are not in the cluster: sync $name in Argo CD first, or look whether its directory is not recursive there"
[ -z "${DRY_RUN:-}" ] || exit 0

# 3. Argo CD lets go: no automated sync, and no finalizer that would delete what the Application holds.
kubectl patch applications.argoproj.io "$name" --namespace "$where" --type=merge \
	--patch '{"metadata":{"finalizers":null},"spec":{"syncPolicy":null}}' >&2

# 4. kubectl gitops takes over. Applying what is there already changes no pod.
kubectl gitops reconcile "$@"

# 5. The Application goes, alone.
kubectl delete applications.argoproj.io "$name" --namespace "$where" --cascade=orphan >&2
