#!/bin/sh
# from-argo-cd.sh APPLICATION [FLAG...]
#
# Hands the objects of one Argo CD Application over to `kubectl gitops`, without deleting or restarting anything.
# APPLICATION is its name, or a file that holds it where it is gone already. FLAGs go to `kubectl gitops reconcile`, for
# example --token-file=token or -n gitops-system. Argo CD's namespace is $ARGOCD_NAMESPACE, or argocd. DRY_RUN=1 stops
# after saying what would change.
#
# Settings that no flag can say belong into gitops.yaml. Then the script prints the entry and stops. Commit the entry, and
# run the script again with GITOPS_YAML=DIRECTORY, the directory of that file in the repository.
set -eu

stop() {
	printf 'error: %s\n' "$1" >&2
	exit 1
}
note() { printf 'note: %s\n' "$1" >&2; }
[ $# -ge 1 ] || stop "usage: from-argo-cd.sh APPLICATION [FLAG...]"
name=$1
shift
where=${ARGOCD_NAMESPACE:-argocd}
file=
case $name in *.yaml | *.yml | *.json)
	file=$name
	name=$(kubectl create --dry-run=client --validate=false -f "$file" -o 'jsonpath={.metadata.name}')
	where=$(kubectl create --dry-run=client --validate=false -f "$file" -o 'jsonpath={.metadata.namespace}')
	[ -z "$(kubectl get applications.argoproj.io "$name" --namespace "$where" --ignore-not-found -o name)" ] || stop "the Application $name is still there: name it instead of the file, or see docs/from-argo-cd.md"
	;;
esac
show() {
	if [ -n "$file" ]; then
		kubectl create --dry-run=client --validate=false -f "$file" -o "$1"
	else
		kubectl get applications.argoproj.io "$name" --namespace "$where" -o "$1"
	fi
}
# application FIELD prints a field that was read.
application() { printf '%s\n' "$known" | sed -n "s/^$1	//p"; }

# 1. Is it something that this script can hand over? entry collects what gitops.yaml has to say of it.
template=
for field in server=.spec.destination.server cluster=.spec.destination.name namespace=.spec.destination.namespace project=.spec.project \
	repo=.spec.source.repoURL path=.spec.source.path ref=.spec.source.targetRevision \
	releaseName=.spec.source.helm.releaseName valueFiles=.spec.source.helm.valueFiles ignoreMissingValueFiles=.spec.source.helm.ignoreMissingValueFiles \
	prune=.spec.syncPolicy.automated.prune selfHeal=.spec.syncPolicy.automated.selfHeal options='.spec.syncPolicy.syncOptions[*]' \
	set='.metadata.ownerReferences[?(@.kind=="ApplicationSet")].name' mark='.metadata.annotations.argocd\.argoproj\.io/tracking-id' \
	label='.metadata.labels.app\.kubernetes\.io/instance'; do
	template="$template{\"${field%%=*}\t\"}{${field#*=}}{\"\n\"}"
done
known=$(show "jsonpath=$template") || stop "no Application $name in the namespace $where"
# keys of spec and what is in it, each in a line behind the path.
keys=$(show 'go-template={{range $k, $v := .spec}}{{"spec\t"}}{{$k}}{{"\n"}}{{end}}{{with .spec.source}}{{range $k, $v := .}}{{"source\t"}}{{$k}}{{"\n"}}{{end}}{{with .helm}}{{range $k, $v := .}}{{"helm\t"}}{{$k}}{{"\n"}}{{end}}{{end}}{{with .directory}}{{range $k, $v := .}}{{"directory\t"}}{{$k}}{{"\n"}}{{end}}{{end}}{{end}}{{with .spec.syncPolicy}}{{range $k, $v := .}}{{"syncPolicy\t"}}{{$k}}{{"\n"}}{{end}}{{end}}')
keys() { printf '%s\n' "$keys" | sed -n "s/^$1	//p"; }
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

# helm reads the settings of a chart.
helm() {
	said=
	for field in $(keys helm); do
		value=$(application "$field")
		case $field in
		version | passCredentials) ;;
		releaseName) said="$said
    release: $value" ;;
		valueFiles)
			case $value in
			*'$'* | *://* | *'*'* | *'"/'*) refuse source.helm.valueFiles "as files below the chart, without \$ref, wildcards and addresses" ;;
			*) said="$said
    values: $value" ;;
			esac
			;;
		parameters) parameters ;;
		ignoreMissingValueFiles) [ "$value" != true ] || refuse source.helm.ignoreMissingValueFiles "and name the files that exist" ;;
		values | valuesObject) refuse "source.helm.$field" "as a file, and name that in helm.values" ;;
		*) refuse "source.helm.$field" "see docs/rendering.md for what a chart can be told" ;;
		esac
	done
	[ -n "$said" ] || said=' {}'
	carry source.helm helm "  helm:$said"
}

# parameters become helm.set. A number or boolean stays one, unless it is forced to be a string.
parameters() {
	list=$(show 'go-template={{range .spec.source.helm.parameters}}{{.name}}{{"\t"}}{{if .forceString}}s{{else}}v{{end}}{{"\t"}}{{.value}}{{"\n"}}{{end}}')
	if printf '%s\n' "$list" | awk -F '\t' '$1 ~ /[][\\{}]/ || $3 ~ /[{},]/ { bad = 1 } END { exit !bad }'; then
		refuse source.helm.parameters "as values in a file: lists and escaped names are not for helm.set"
		return
	fi
	said="$said
    set:
$(printf '%s\n' "$list" | awk -F '\t' '{
		value = $3
		if ($2 == "s" || value !~ /^(true|false|-?(0|[1-9][0-9]*))$/) { gsub(/\\/, "\\\\", value); gsub(/"/, "\\\"", value); value = "\"" value "\"" }
		print "      " $1 ": " value }')"
}

# ignored translates ignoreDifferences. A jq expression has to be a plain path, such as .spec.template.spec.containers[].image.
ignored() {
	list=$(show 'go-template={{range .spec.ignoreDifferences}}{{"rule\n"}}{{with .group}}{{"group\t"}}{{.}}{{"\n"}}{{end}}{{with .kind}}{{"kind\t"}}{{.}}{{"\n"}}{{end}}{{with .namespace}}{{"namespace\t"}}{{.}}{{"\n"}}{{end}}{{with .name}}{{"name\t"}}{{.}}{{"\n"}}{{end}}{{range .jsonPointers}}{{"path\t"}}{{.}}{{"\n"}}{{end}}{{range .jqPathExpressions}}{{"jq\t"}}{{.}}{{"\n"}}{{end}}{{range .managedFieldsManagers}}{{"manager\t"}}{{.}}{{"\n"}}{{end}}{{end}}')
	rules=$(printf '%s\n' "$list" | awk -F '\t' '
		function escaped(s) { gsub(/~/, "~0", s); gsub(/\//, "~1", s); return s }
		function pointer(e,    out, part) {
			gsub(/[ ?]/, "", e)
			while (e != "") {
				if (match(e, /^\.?\[\]/)) part = "*"
				else if (match(e, /^\.?\[[0-9]+\]/)) { part = substr(e, 1, RLENGTH); gsub(/[^0-9]/, "", part) }
				else if (match(e, /^\.?\["[^"\\]*"\]/)) { part = substr(e, 1, RLENGTH); sub(/^\.?\["/, "", part); sub(/"\]$/, "", part) }
				else if (match(e, /^\."[^"\\]*"/)) { part = substr(e, 3, RLENGTH - 3) }
				else if (match(e, /^\.[A-Za-z_][A-Za-z0-9_-]*/)) part = substr(e, 2, RLENGTH - 1)
				else return ""
				e = substr(e, RLENGTH + 1)
				out = out "/" (part == "*" ? part : escaped(part))
			}
			return out
		}
		function quoted(s) { gsub(/"/, "\\\"", s); return "\"" s "\"" }
		function flush() {
			if (open) printf "  - {%s%s%s}\n", head, paths == "" ? "" : sep(head) "paths: [" paths "]", managers == "" ? "" : sep(head paths) "managers: [" managers "]"
			head = paths = managers = ""
		}
		function sep(before) { return before == "" ? "" : ", " }
		$1 == "rule" { flush(); open = 1 }
		$1 == "group" || $1 == "kind" || $1 == "namespace" || $1 == "name" { if ($2 != "*") head = head sep(head) $1 ": " quoted($2) }
		$1 == "path" { paths = paths sep(paths) quoted($2) }
		$1 == "manager" { managers = managers sep(managers) quoted($2) }
		$1 == "jq" { at = pointer($2); if (at == "") { print "jq " $2; open = 0; exit } paths = paths sep(paths) quoted(at) }
		END { flush() }')
	case $rules in
	*'jq '*) refuse ignoreDifferences "as ignore with JSON pointers: the expression ${rules#*jq } is no plain path" ;;
	*) carry ignoreDifferences ignore "  ignore:
$rules" ;;
	esac
}

# sync_policy reads what Argo CD does without being asked, and how it applies.
sync_policy() {
	for field in $(keys syncPolicy); do
		case $field in
		automated)
			[ "$(application prune)" != false ] || carry syncPolicy.automated.prune prune '  prune: false'
			[ "$(application selfHeal)" = true ] || note "Argo CD leaves drift of $name alone (selfHeal); here it is reverted, unless its entry in gitops.yaml says drift: report"
			;;
		retry) ;; # a run that fails is followed by the next
		managedNamespaceMetadata) refuse syncPolicy.managedNamespaceMetadata "as a Namespace object with these labels and annotations" ;;
		syncOptions) ;;
		*) refuse "syncPolicy.$field" "see docs/from-argo-cd.md" ;;
		esac
	done
	for option in $(application options); do
		case $option in
		CreateNamespace=* | ServerSideApply=* | RespectIgnoreDifferences=* | ApplyOutOfSyncOnly=* | PruneLast=* | PrunePropagationPolicy=* | FailOnSharedResource=* | ClientSideApplyMigration=*) ;;
		*=false) [ "${option%=*}" != Prune ] || carry syncPolicy.syncOptions prune '  prune: false'
			[ "${option%=*}" != Validate ] || refuse "syncPolicy.syncOptions $option" "as the annotation argocd.argoproj.io/sync-options of the objects that need it, see docs/annotations.md"
			;;
		Validate=true) ;;
		*) refuse "syncPolicy.syncOptions $option" "as the annotation argocd.argoproj.io/sync-options of the objects that need it, see docs/annotations.md" ;;
		esac
	done
	case " $(keys syncPolicy | tr '\n' ' ')" in *' automated '*) ;; *) note "$name is synced by people; here every commit is applied" ;; esac
}

for field in $(keys spec); do
	case $field in
	destination | syncPolicy | info | revisionHistoryLimit) ;;
	project)
		[ "$(application project)" = default ] || note "what the AppProject $(application project) allows is not carried over: see allow and serviceAccount in docs/gitops-yaml.md, and sync windows have no counterpart"
		;;
	source)
		for part in $(keys source); do
			case $part in
			repoURL | path | targetRevision | name | ref) ;;
			helm) helm ;;
			directory)
				for option in $(keys directory); do
					[ "$option" = recurse ] || refuse "source.directory.$option" "as a .gitopsignore, or rendered by CI"
				done
				;;
			chart) refuse source.chart "as a directory with a Chart.yaml that depends on it, see docs/from-argo-cd.md" ;;
			kustomize) refuse source.kustomize "as kustomize in gitops.yaml, see docs/rendering.md" ;;
			*) refuse "source.$part" "rendered by CI" ;;
			esac
		done
		;;
	sources) refuse sources "as one directory for each app" ;;
	ignoreDifferences) ignored ;;
	*) refuse "$field" "see docs/from-argo-cd.md" ;;
	esac
done
sync_policy
server=$(application server)
cluster=$(application cluster)
case "${server:-https://kubernetes.default.svc} ${cluster:-in-cluster}" in
'https://kubernetes.default.svc in-cluster') ;;
*) stop "$name deploys to another cluster: run this against that cluster" ;;
esac
if [ -z "$file" ]; then
	[ -z "$(application set)" ] || stop "$name is made by an ApplicationSet, which would make it again: take it out of that first, see docs/from-argo-cd.md"
	# Another Application would make it again. One whose Git has lost it does not, although its mark stays.
	parent=$(application mark)
	parent=${parent%%:*}
	[ -n "$parent" ] || parent=$(application label)
	if [ -n "$parent" ]; then
		of=$where
		case $parent in *_*) of=${parent%%_*} parent=${parent#*_} ;; esac
		held=$(kubectl get applications.argoproj.io "$parent" --namespace "$of" --ignore-not-found -o "jsonpath={range .status.resources[?(@.name==\"$name\")]}{.kind}/{.requiresPruning} {end}")
		case " $held" in *' Application/ '* | *' Application/false '*) stop "$name is made by the Application $parent, which would make it again: take it out of that first, with Prune=false, see docs/from-argo-cd.md" ;; esac
	fi
fi

ref=$(application ref)
case $ref in
HEAD) ref= ;;
*'*'* | *[\<\>~^]* | *.x) stop "$name follows a range of versions ($ref): name a branch or a tag" ;;
esac
path=$(application path)
namespace=$(application namespace)

[ -n "${GITOPS_YAML:-}" ] || refused="$lacking$refused"
if [ -n "$refused" ]; then
	printf '%s\n' "${refused#?}" >&2
	[ -z "$lacking" ] || [ -n "${GITOPS_YAML:-}" ] || cat >&2 <<-TEXT
		hint: commit this entry to a gitops.yaml, and run the script again with GITOPS_YAML=DIRECTORY of that file:

		- name: $name
		  path: ${path:-.}${namespace:+
		  namespace: $namespace}$entry
	TEXT
	exit 1
fi
if [ -n "${GITOPS_YAML:-}" ]; then # one ref holds for all its apps
	[ -z "$ref" ] || note "Argo CD follows $ref: the gitops.yaml has one ref for all of its apps; --ref=$ref names it in its first run"
	set -- "$name" --repo="$(application repo)" --path="$GITOPS_YAML" "$@"
else
	set -- --name="$name" --repo="$(application repo)" --path="${path:-.}" ${ref:+--ref="$ref"} ${namespace:+--target-namespace="$namespace"} "$@"
fi

# 2. What would change? Everything exists already and is as Git has it, so nothing but the owner may change.
printf 'What would change:\n' >&2
said=$(mktemp)
trap 'rm -f "$said"' EXIT
report=$(kubectl gitops reconcile "$@" --dry-run=server -o 'jsonpath={.apps[0].counts.created}{"\n"}{range .apps[0].changes[*]}{.object} {range .fields[*]}{.path} {end}{"\n"}{end}' 2>"$said") || failed=1
sed -e "/to the Argo CD application $where\/$name, which is active/d" -e "/^hint: switch its automated sync off, .* $name -n $where /d" "$said" >&2
[ -z "${failed:-}" ] || ! grep -v "to the Argo CD application $where/$name, which is active" "$said" | grep -q '^error:' || exit 1
! grep -q '^warning: reconcile refuses' "$said" || exit 1
new=$(printf '%s\n' "$report" | sed -n 1p)
[ -n "$new" ] || exit 1
[ "$new" = 0 ] || stop "$new objects in Git are not in the cluster: sync $name in Argo CD first, or look whether its directory is not recursive there"
differs=$(printf '%s\n' "$report" | sed -e 1d -e 's/metadata\.labels\[applyset\.kubernetes\.io\/part-of\] //' | grep ' .' || :)
[ -z "$differs" ] || [ -n "${ALLOW_CHANGES:-}" ] || stop "more than the owner would change, see above: sync $name in Argo CD first, look whether it leaves fields to others (ignore in gitops.yaml), or set ALLOW_CHANGES=1"
[ -z "${DRY_RUN:-}" ] || exit 0

# 3. Argo CD lets go: no automated sync, and no finalizer that would delete what the Application holds.
[ -n "$file" ] || kubectl patch applications.argoproj.io "$name" --namespace "$where" --type=merge \
	--patch '{"metadata":{"finalizers":null},"spec":{"syncPolicy":null}}' >&2

# 4. kubectl gitops takes over. Applying what is there already changes no pod.
kubectl gitops reconcile "$@" || stop "$name is not handed over: its automated sync is off; run this again, or switch that on again"

# 5. The Application goes, alone.
[ -n "$file" ] || kubectl delete applications.argoproj.io "$name" --namespace "$where" --cascade=orphan >&2
