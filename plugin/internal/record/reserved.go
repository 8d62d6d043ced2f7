package record

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// recordName matches the names of Secrets that hold records, in any namespace.
var recordName = regexp.MustCompile(`^gitops-(.*-inventory(-[0-9]+)?|list-[0-9a-f]{10})$`)

// Reserved says why a manifest may not come from Git: it would be taken for a record, or change one. It returns "" for
// everything else. ref has the namespace where the object goes; instance is that of the records of this instance. Other
// instances' records are known by their labels, types and names.
func Reserved(ref object.Ref, manifest *unstructured.Unstructured, instance string) string {
	labels, annotations := manifest.GetLabels(), manifest.GetAnnotations()
	if ref.Group == "" && ref.Kind.Kind == "Namespace" {
		if labels[LabelCreatedBy] != "" || annotations[AnnotationCreatedFor] != "" {
			return "its label or annotation says that a run has created it"
		}
		return ""
	}
	isSecret, isConfigMap := ref.Group == "" && ref.Kind.Kind == "Secret", ref.Group == "" && ref.Kind.Kind == "ConfigMap"
	isLease := ref.Group == "coordination.k8s.io" && ref.Kind.Kind == "Lease"
	if !isSecret && !isConfigMap && !isLease {
		return ""
	}
	for _, mark := range []string{LabelApp, LabelShard, LabelList} {
		if _, marked := labels[mark]; marked {
			return "the label " + mark + " is that of a record"
		}
	}
	for _, mark := range []string{AnnotationWriter, AnnotationSuspended} {
		if _, marked := annotations[mark]; marked {
			return "the annotation " + mark + " is that of a record"
		}
	}
	kind, _, _ := unstructured.NestedString(manifest.Object, "type")
	name := ref.Name
	if name == "" {
		name = manifest.GetGenerateName()
	}
	ours := strings.HasPrefix(name, NamePrefix)
	switch {
	case isSecret && strings.HasPrefix(kind, "kubectl-gitops.dev/"):
		return "the type " + kind + " is that of a record"
	case (labels[LabelID] != "" || annotations[AnnotationTooling] != "") && (ours || strings.HasPrefix(annotations[AnnotationTooling], Tool+"/")):
		return "it says that it is the record of an app"
	case isSecret && recordName.MatchString(name), ours && ref.Namespace == instance && (!isSecret || ref.Name == ""):
		return "it has the name of a record"
	}
	return ""
}

// IsMarked tells whether a live object is a record, of any instance.
func IsMarked(u *unstructured.Unstructured) bool {
	_, app := u.GetLabels()[LabelApp]
	return app || strings.HasPrefix(u.GetAnnotations()[AnnotationTooling], Tool+"/")
}

// MayBeParent tells whether an object has the name of the record of an app, of whatever instance.
func MayBeParent(ref object.Ref) bool {
	return ref.Group == "" && ref.Kind.Kind == "ConfigMap" && strings.HasPrefix(ref.Name, NamePrefix)
}
