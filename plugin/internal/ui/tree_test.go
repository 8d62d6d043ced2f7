package ui

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

func child(short string, h health.State, message string, children ...status.Node) status.Node {
	return status.Node{Short: short, Namespace: "payments", Health: h, Message: message, Children: children}
}

func managed(n status.Node, sync report.Sync) status.Node {
	n.Sync = sync
	return n
}

func TestTree(t *testing.T) {
	idle := child("replicaset.apps/api-5d8f7c", health.Healthy, "")
	idle.Idle = true
	tree := status.Tree{App: "payments", Items: []status.Node{
		managed(child("service/api", health.Healthy, "", child("endpointslice.discovery.k8s.io/api-x7k2p", "", "")), report.Synced),
		managed(child("deployment.apps/api", health.Progressing, "2 of 3 updated replicas are available",
			idle,
			child("replicaset.apps/api-7f9c6d", health.Progressing, "Available: 2/3",
				child("pod/api-7f9c6d-2xkqv", health.Healthy, ""),
				child("pod/api-7f9c6d-9s4lw", health.Progressing, "container api: ImagePullBackOff")),
		), report.Synced),
		managed(child("certificate.cert-manager.io/api-example-com", health.Healthy, "",
			child("secret/api-tls", "", "")), report.SyncDrifted),
		managed(child("configmap/env\x1b[31m", health.Missing, "deleted, or its label applyset.kubernetes.io/part-of was removed"), report.SyncDrifted),
	}}
	goldenForms(t, "tree", func(t *Terminal) { Tree(t, tree, false) })
	goldenForms(t, "tree-wide", func(t *Terminal) { Tree(t, tree, true) })
	goldenForms(t, "tree-empty", func(t *Terminal) { Tree(t, status.Tree{App: "payments"}, false) })
}
