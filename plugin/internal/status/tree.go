package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Tree is the form of `tree APP -o json`: the objects of an app, and what the cluster made of them. Unread says which
// kinds of children could not be listed, and why.
type Tree struct {
	metav1.TypeMeta `json:",inline"`
	App             string          `json:"app"`
	Sync            report.Sync     `json:"sync"`
	Health          health.State    `json:"health"`
	Revision        report.Revision `json:"revision"`
	Items           []Node          `json:"items"`
	Unread          []string        `json:"unread,omitempty"`
	Limits          string          `json:"limits,omitempty"` // what the reader may not know, and why
}

// Node is one object of an Tree. Sync is empty for children: Git does not know them. Health is empty where it is not
// known, as for Secrets, which are not read.
type Node struct {
	Object    string       `json:"object"` // group/Kind/namespace/name
	Short     string       `json:"-"`      // kind.group/name
	Namespace string       `json:"namespace,omitempty"`
	Sync      report.Sync  `json:"sync,omitempty"`
	Health    health.State `json:"health,omitempty"`
	Message   string       `json:"message,omitempty"`
	Idle      bool         `json:"idle,omitempty"` // a ReplicaSet of an earlier revision, scaled to nothing
	Children  []Node       `json:"children,omitempty"`
}
