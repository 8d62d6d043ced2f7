package report

// FormerOwner is what objects of an app belong to that another tool made: "Flux Kustomization", "Flux HelmRelease" or
// "Argo CD application". Objects is how many of the run's objects name it.
type FormerOwner struct {
	Kind      string     `json:"kind"`
	Namespace string     `json:"namespace,omitempty"`
	Name      string     `json:"name"`
	State     OwnerState `json:"state"` // active, atRest, missing or unreadable
	Objects   int        `json:"objects"`
}

// OwnerState says whether an owner would write its objects again.
type OwnerState string

// The states of an owner.
const (
	OwnerActive     OwnerState = "active"     // its controller applies or deletes what it holds
	OwnerAtRest     OwnerState = "atRest"     // suspended, or only applied when somebody asks
	OwnerMissing    OwnerState = "missing"    // this cluster does not have it
	OwnerUnreadable OwnerState = "unreadable" // we have no right to look
)
