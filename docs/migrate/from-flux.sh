#!/bin/sh
# from-flux.sh KUSTOMIZATION [FLAG...]
#
# Hands the objects of one Flux Kustomization over to `kubectl gitops`, without deleting or restarting anything.
# FLAGs go to `kubectl gitops reconcile`, for example --token-file=token or -n gitops-system. The namespace of the
# Kustomization is $FLUX_NAMESPACE, or flux-system. DRY_RUN=1 stops after saying what would change.
#
# Settings that no flag can say belong into gitops.yaml. Then the script prints the entry and stops. Commit the entry, and
# run the script again with GITOPS_YAML=DIRECTORY, the directory of that file in the repository.
set -eu

stop() {
	printf 'error: %s\n' "$1" >&2
	exit 1
}
note() { printf 'note: %s\n' "$1" >&2; }
[ $# -ge 1 ] || stop "usage: from-flux.sh KUSTOMIZATION [FLAG...]"
name=${1#kustomization/}
shift
where=${FLUX_NAMESPACE:-flux-system}

# fields KIND NAME NAMESPACE FIELD=PATH...: the fields of an object, each in a line behind its name and a tab.
fields() {
	of="$1 $2 --namespace $3"
	shift 3
	template=
	for field in "$@"; do
		template="$template{\"${field%%=*}\\t\"}{${field#*=}}{\"\\n\"}"
	done
	kubectl get $of -o "jsonpath=$template"
}
field() { printf '%s\n' "$1" | sed -n "s/^$2	//p"; }
keys() { kubectl get "$1" "$2" --namespace "$3" -o 'go-template={{range $key, $value := .spec}}{{$key}} {{end}}'; }

# A HelmRelease is another matter: say what to do.
helm_release() {
	all=$(fields helmreleases.helm.toolkit.fluxcd.io "$name" "$where" target=.spec.targetNamespace called=.spec.releaseName stored=.spec.storageNamespace \
		chart=.spec.chart.spec.chart version=.spec.chart.spec.version kind=.spec.chart.spec.sourceRef.kind source=.spec.chart.spec.sourceRef.name \
		ref=.spec.chartRef values=.spec.values valuesFrom=.spec.valuesFrom post=.spec.postRenderers)
	target=$(field "$all" target)
	called=$(field "$all" called)
	[ -n "$called" ] || called=${target:+$target-}$name
	stored=$(field "$all" stored)
	cat >&2 <<-TEXT
		error: $name is a HelmRelease, not a Kustomization: Helm installs its chart, and kubectl gitops renders charts that are in Git
		hint: docs/from-flux.md, "A HelmRelease", says why. Step by step:
		  1. Put a directory into the repository, with a Chart.yaml that depends on the chart, and a values.yaml:
		       chart:   $(field "$all" chart) $(field "$all" version) $(field "$all" ref)
		       source:  $(field "$all" kind) $(field "$all" source)
		       values:  $(field "$all" values)
		       also:    $(field "$all" valuesFrom) $(field "$all" post)
		  2. flux suspend helmrelease $name -n $where      (deleting it now would uninstall it)
		  3. kubectl gitops diff --name=$called --target-namespace=${target:-$where} --repo=... --path=...
		     kubectl gitops reconcile, with the same flags
		  4. Take the HelmRelease out of Git, after annotating it with kustomize.toolkit.fluxcd.io/prune: disabled.
		     kubectl delete helmrelease $name -n $where    (suspended, it leaves its objects alone)
		  5. kubectl delete secret -n ${stored:-$where} -l owner=helm,name=$called      (what Helm remembers of the release)
	TEXT
	exit 1
}
case $name in helmrelease/* | hr/*) name=${name#*/} && helm_release ;; esac
known=$(fields kustomizations.kustomize.toolkit.fluxcd.io "$name" "$where" kind=.spec.sourceRef.kind source=.spec.sourceRef.name from=.spec.sourceRef.namespace \
	path=.spec.path namespace=.spec.targetNamespace timeout=.spec.timeout prune=.spec.prune suspend=.spec.suspend force=.spec.force \
	deletionPolicy=.spec.deletionPolicy serviceAccountName=.spec.serviceAccountName dependsOn='.spec.dependsOn[*].name' readyExpr='.spec.dependsOn[*].readyExpr' \
	patches=.spec.patches images=.spec.images namePrefix=.spec.namePrefix nameSuffix=.spec.nameSuffix components='.spec.components[*]' \
	labels=.spec.commonMetadata.labels annotations=.spec.commonMetadata.annotations \
	vars=.spec.postBuild.substitute varsFrom=.spec.postBuild.substituteFrom strategy=.spec.postBuild.substituteStrategy \
	secrets='.spec.postBuild.substituteFrom[?(@.kind=="Secret")].name' \
	parent='.metadata.labels.kustomize\.toolkit\.fluxcd\.io/name' parentIn='.metadata.labels.kustomize\.toolkit\.fluxcd\.io/namespace') || known=
kustomization() { field "$known" "$1"; }
if [ -z "$known" ]; then
	kubectl get helmreleases.helm.toolkit.fluxcd.io "$name" --namespace "$where" >/dev/null 2>&1 && helm_release
	stop "no Kustomization $name in the namespace $where"
fi

# 1. Is it something that this script can hand over? entry collects what gitops.yaml has to say of it.
entry=
lacking=
refused=
refuse() { refused="$refused
error: $name uses spec.$1: write it into the config repository first, $2"; }
carry() {
	lacking="$lacking
error: $name uses spec.$1: write it into the config repository first, as $2 in gitops.yaml"
	entry="$entry
  $3"
}
overlaid=
overlay() {
	lacking="$lacking
error: $name uses spec.$1: write it into the config repository first, as kustomize in gitops.yaml"
	overlaid="$overlaid
    $2"
}
[ "$(kustomization kind)" = GitRepository ] || stop "$name does not come from a GitRepository"
for field in $(keys kustomizations.kustomize.toolkit.fluxcd.io "$name" "$where"); do
	value=$(kustomization "$field")
	case $field in
	interval | retryInterval | sourceRef | path | targetNamespace | timeout) ;;
	wait | healthChecks) ;; # a run always waits until all is healthy
	suspend) [ "$value" != true ] || note "$name is suspended: what follows shows what it has not applied" ;;
	prune) [ "$value" = true ] || carry prune prune 'prune: false' ;;
	deletionPolicy)
		[ "$value" = MirrorPrune ] || [ "$value" = Delete ] || note "spec.deletionPolicy $value has no counterpart: an app that leaves gitops.yaml loses its objects, unless it has prune: false"
		;;
	serviceAccountName)
		carry serviceAccountName serviceAccount "serviceAccount: $value"
		note "the service account $value has to be in the namespace of the instance, with the same rights"
		;;
	dependsOn)
		[ -z "$(kustomization readyExpr)" ] || refuse dependsOn.readyExpr "where nothing says it: an app waits until those it depends on are healthy"
		carry dependsOn dependsOn "dependsOn: [$(kustomization dependsOn | sed 's/ /, /g')]"
		note "$(kustomization dependsOn) must be in gitops.yaml too, and be handed over before"
		;;
	postBuild)
		carry postBuild substitute 'substitute:'
		entry="$entry
    dialect: flux"
		[ "$(kustomization strategy)" != Always ] || entry="$entry
    always: true"
		value=$(kustomization vars)
		[ -z "$value" ] || entry="$entry
    vars: $value"
		value=$(kustomization varsFrom)
		[ -z "$value" ] || entry="$entry
    from: $value"
		for secret in $(kustomization secrets); do
			has=$(kubectl get secret "$secret" --namespace "$where" --ignore-not-found -o 'go-template={{range $key, $value := .data}}{{$key}} {{end}}')
			entry="$entry
    # Values of a Secret are masked in all that is shown. Name those that are no secrets, such as domains:
    # {\"kind\":\"Secret\",\"name\":\"$secret\",\"plain\":[...]}. It has: ${has:-nothing that could be read}"
		done
		note "ConfigMaps and Secrets with variables are read in the namespace of the instance, by the service account if there is one"
		;;
	decryption)
		case "$*" in *--age-key-file*) ;; *) refuse decryption "encrypted for an age key, and give that with --age-key-file" ;; esac
		;;
	patches | images | namePrefix | nameSuffix) overlay "$field" "$field: $value" ;;
	components) # Flux names them from the directory of the Kustomization
		value=$(kustomization components | sed 's|[^ ][^ ]*|"'"$(kustomization path | sed 's|^\./||; s|/*$|/|; s|^/$||')"'&"|g; s/ /, /g')
		overlay components "components: [$value]"
		;;
	commonMetadata)
		value=$(kustomization labels)
		[ -z "$value" ] || overlay commonMetadata.labels "labels: $value"
		value=$(kustomization annotations)
		[ -z "$value" ] || overlay commonMetadata.annotations "annotations: $value"
		;;
	force) [ "$value" != true ] || refuse force "as the annotation kubectl-gitops.dev/recreate: enabled of the objects that need it" ;;
	healthCheckExprs) refuse healthCheckExprs "as health in gitops.yaml, see docs/health.md" ;;
	kubeConfig) stop "$name deploys to another cluster: run this against that cluster" ;;
	*) refuse "$field" "see docs/from-flux.md" ;;
	esac
done
[ -z "$overlaid" ] || entry="$entry
  kustomize:$overlaid"

# A parent Kustomization would make it again. One whose Git has lost it does not, although its label stays.
parent=$(kustomization parent)
if [ -n "$parent" ]; then
	of=$(kustomization parentIn)
	held=$(kubectl get kustomizations.kustomize.toolkit.fluxcd.io "$parent" --namespace "$of" --ignore-not-found -o 'jsonpath={.status.inventory.entries[*].id}')
	case " $held " in
	*" ${where}_${name}_kustomize.toolkit.fluxcd.io_Kustomization "*)
		stop "$name is applied by the Kustomization $of/$parent, which would make it again: annotate it in Git with kustomize.toolkit.fluxcd.io/prune: disabled, let that be applied, delete its file, and let that be applied"
		;;
	esac
fi

from=$(kustomization from)
from=${from:-$where}
source=$(kustomization source)
known_source=$(fields gitrepositories.source.toolkit.fluxcd.io "$source" "$from" url=.spec.url semver=.spec.ref.semver commit=.spec.ref.commit name=.spec.ref.name \
	tag=.spec.ref.tag branch=.spec.ref.branch submodules=.spec.recurseSubmodules)
repository() { field "$known_source" "$1"; }
[ -z "$(repository semver)" ] || stop "$name follows a range of versions (spec.ref.semver): name a branch or a tag"
for field in $(keys gitrepositories.source.toolkit.fluxcd.io "$source" "$from"); do
	case $field in
	url | ref | interval | timeout | secretRef | serviceAccountName | provider | proxySecretRef | suspend | sparseCheckout) ;;
	verify) case "$*" in *--trust*) ;; *) stop "the GitRepository $source verifies signatures: give the keys, see docs/trust.md" ;; esac ;;
	ignore) stop "the GitRepository $source uses spec.ignore: write it into a .gitopsignore first, see docs/rendering.md" ;;
	recurseSubmodules) [ "$(repository submodules)" != true ] || stop "the GitRepository $source has submodules, which are not read: copy what is in them into the repository first" ;;
	*) stop "the GitRepository $source uses spec.$field, which has no counterpart here" ;;
	esac
done
ref=$(repository commit)
[ -n "$ref" ] || ref=$(repository name)
[ -n "$ref" ] || ref=$(repository tag)
[ -n "$ref" ] || ref=$(repository branch)
path=$(kustomization path)
path=${path#./}
namespace=$(kustomization namespace)
timeout=$(kustomization timeout)

[ -n "${GITOPS_YAML:-}" ] || refused="$lacking$refused"
if [ -n "$refused" ]; then
	printf '%s\n' "${refused#?}" >&2
	[ -z "$lacking" ] || [ -n "${GITOPS_YAML:-}" ] || cat >&2 <<-TEXT
		hint: commit this entry to a gitops.yaml, and run the script again with GITOPS_YAML=DIRECTORY of that file:

		- name: $name
		  path: ${path:-.}${namespace:+
		  namespace: $namespace}${timeout:+
		  timeout: $timeout}$entry
	TEXT
	exit 1
fi
if [ -n "${GITOPS_YAML:-}" ]; then # one ref holds for all its apps
	[ -z "$ref" ] || note "Flux follows $ref: the gitops.yaml has one ref for all of its apps; --ref=$ref names it in its first run"
	set -- "$name" --repo="$(repository url)" --path="$GITOPS_YAML" "$@"
else
	set -- --name="$name" --repo="$(repository url)" --path="${path:-.}" ${ref:+--ref="$ref"} ${namespace:+--target-namespace="$namespace"} \
		${timeout:+--timeout="$timeout"} "$@"
fi

# 2. What would change? Everything exists already and is as Git has it, so nothing but the owner may change.
printf 'What would change:\n' >&2
said=$(mktemp)
trap 'rm -f "$said"' EXIT
report=$(kubectl gitops reconcile "$@" --dry-run=server -o 'jsonpath={.apps[0].counts.created}{"\n"}{range .apps[0].changes[*]}{.object} {range .fields[*]}{.path} {end}{"\n"}{end}' 2>"$said") || failed=1
sed -e "/to the Flux Kustomization $where\/$name, which is active/d" -e "/^hint: suspend it, .*flux suspend kustomization $name -n $where,/d" "$said" >&2
[ -z "${failed:-}" ] || ! grep -v "to the Flux Kustomization $where/$name, which is active" "$said" | grep -q '^error:' || exit 1
! grep -q '^warning: reconcile refuses' "$said" || exit 1
new=$(printf '%s\n' "$report" | sed -n 1p)
[ -n "$new" ] || exit 1
[ "$new" = 0 ] || stop "$new objects in Git are not in the cluster: let Flux reconcile $name first"
differs=$(printf '%s\n' "$report" | sed -e 1d -e 's/metadata\.labels\[applyset\.kubernetes\.io\/part-of\] //' | grep ' .' || :)
[ -z "$differs" ] || [ -n "${ALLOW_CHANGES:-}" ] || stop "more than the owner would change, see above: let Flux reconcile $name first, look whether it leaves fields to others (ignore in gitops.yaml), or set ALLOW_CHANGES=1"
[ -z "${DRY_RUN:-}" ] || exit 0

# 3. Flux lets go: suspended, and without the finalizer that would delete what the Kustomization holds.
kubectl patch kustomizations.kustomize.toolkit.fluxcd.io "$name" --namespace "$where" --type=merge \
	--patch '{"metadata":{"finalizers":null},"spec":{"suspend":true,"prune":false}}' >&2

# 4. kubectl gitops takes over. Applying what is there already changes no pod.
kubectl gitops reconcile "$@" || stop "$name is suspended, and not handed over: run this again, or let Flux go on with flux resume kustomization $name -n $where"

# 5. The Kustomization goes, alone. Its GitRepository stays: others may use it.
kubectl delete kustomizations.kustomize.toolkit.fluxcd.io "$name" --namespace "$where" --cascade=orphan >&2
