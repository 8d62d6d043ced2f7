package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Tree is what `tree APP -o json` prints: the objects of an app, and their children. Unread says which kinds of children
// could not be listed, and why.
type Tree struct {
	metav1.TypeMeta `json:",inline"`
	App             string          `json:"app"`
	Sync            report.Sync     `json:"sync"`
	Health          health.State    `json:"health"`
	Revision        report.Revision `json:"revision"`
	Items           []Node          `json:"items"`
	Unread          []string        `json:"unread,omitempty"`
	Limits          string          `json:"limits,omitempty"` // what the user has no right to read, and what is not known therefore
}

// Node is one object of a Tree. Sync is empty for children, because they are not in Git. Health is empty when it is not
// known, for example for Secrets, which are not read.
type Node struct {
	Object    string       `json:"object"` // group/Kind/namespace/name
	Short     string       `json:"-"`      // kind.group/name
	Namespace string       `json:"namespace,omitempty"`
	Sync      report.Sync  `json:"sync,omitempty"`
	Health    health.State `json:"health,omitempty"`
	Message   string       `json:"message,omitempty"`
	Idle      bool         `json:"idle,omitempty"` // a ReplicaSet of an earlier revision, without replicas
	Children  []Node       `json:"children,omitempty"`
}
