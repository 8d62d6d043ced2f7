package record

// Labels and the annotation of Namespaces that a run creates. Those of the instance's own namespace are the ones that
// install gives it.
const (
	LabelInstance        = "kubectl-gitops.dev/instance"    // the namespace of the instance that an object of `install` belongs to
	LabelCreatedBy       = "kubectl-gitops.dev/created-by"  // on a Namespace that a run created for an app: the namespace of the instance
	AnnotationCreatedFor = "kubectl-gitops.dev/created-for" // on such a Namespace: the name of the app
	LabelManagedBy       = "app.kubernetes.io/managed-by"   // Tool
	LabelName            = "app.kubernetes.io/name"         // Tool
)

// IsRecord tells whether labels are those of an object that holds records.
func IsRecord(labels map[string]string) bool {
	_, record := labels[LabelApp]
	return record && labels[LabelManagedBy] == Tool
}
