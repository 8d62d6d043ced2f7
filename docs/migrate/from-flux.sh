#!/bin/sh
# from-flux.sh KUSTOMIZATION [FLAG...]
#
# Hands the objects of one Flux Kustomization over to `kubectl gitops`, without deleting or restarting anything.
# FLAGs go to `kubectl gitops reconcile`, for example --token-file=token or -n gitops-system. The namespace of the
# Kustomization is $FLUX_NAMESPACE, or flux-system. DRY_RUN=1 stops after saying what would change.
set -eu

stop() {
	printf 'error: %s\n' "$1" >&2
	exit 1
}
[ $# -ge 1 ] || stop "usage: from-flux.sh KUSTOMIZATION [FLAG...]"
name=$1
shift
where=${FLUX_NAMESPACE:-flux-system}
kustomization() { kubectl get kustomizations.kustomize.toolkit.fluxcd.io "$name" --namespace "$where" -o "jsonpath={$1}"; }
repository() { kubectl get gitrepositories.source.toolkit.fluxcd.io "$(kustomization .spec.sourceRef.name)" --namespace "$from" -o "jsonpath={$1}"; }

# 1. Is it something that this script can hand over?
kustomization .metadata.name >/dev/null || stop "no Kustomization $name in the namespace $where"
[ "$(kustomization .spec.sourceRef.kind)" = GitRepository ] || stop "$name does not come from a GitRepository"
for field in postBuild patches images components namePrefix nameSuffix commonMetadata decryption kubeConfig; do
	[ -z "$(kustomization ".spec.$field")" ] || stop "$name uses spec.$field: write it into the config repository first, see docs/from-flux.md"
done
[ -z "$(kustomization '.metadata.labels.kustomize\.toolkit\.fluxcd\.io/name')" ] || stop "$name is applied by another Kustomization, which would make it again: delete its file in Git first, after annotating it with kustomize.toolkit.fluxcd.io/prune: disabled"

from=$(kustomization .spec.sourceRef.namespace)
from=${from:-$where}
[ -z "$(repository .spec.ref.semver)" ] || stop "$name follows a range of versions (spec.ref.semver): name a branch or a tag"
ref=$(repository .spec.ref.commit)
[ -n "$ref" ] || ref=$(repository .spec.ref.name)
[ -n "$ref" ] || ref=$(repository .spec.ref.tag)
[ -n "$ref" ] || ref=$(repository .spec.ref.branch)
path=$(kustomization .spec.path)
path=${path#./}
namespace=$(kustomization .spec.targetNamespace)
set -- --name="$name" --repo="$(repository .spec.url)" --path="${path:-.}" ${ref:+--ref="$ref"} ${namespace:+--target-namespace="$namespace"} "$@"

# 2. What would change? Everything exists already, so nothing may be created.
printf 'What would change:\n' >&2
new=$(kubectl gitops reconcile "$@" --dry-run=server -o 'jsonpath={.apps[0].counts.created}')
[ "$new" = 0 ] || stop "$new objects in Git are not in the cluster: let Flux reconcile $name first"
[ -z "${DRY_RUN:-}" ] || exit 0

# 3. Flux lets go: suspended, and without the finalizer that would delete what the Kustomization holds.
kubectl patch kustomizations.kustomize.toolkit.fluxcd.io "$name" --namespace "$where" --type=merge \
	--patch '{"metadata":{"finalizers":null},"spec":{"suspend":true,"prune":false}}' >&2

# 4. kubectl gitops takes over. Applying what is there already changes no pod.
kubectl gitops reconcile "$@"

# 5. The Kustomization goes, alone. Its GitRepository stays: others may use it.
kubectl delete kustomizations.kustomize.toolkit.fluxcd.io "$name" --namespace "$where" --cascade=orphan >&2
