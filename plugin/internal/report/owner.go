package report

// FormerOwner is the owner of objects that another tool applied: a "Flux Kustomization", "Flux HelmRelease" or
// "Argo CD application". Objects is the number of objects of the run that name this owner.
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
