// Package record keeps what an app's last apply left behind: which objects are ours, what they looked like when the
// API server answered, and a readable report with the history of runs.
//
// Each app has an ApplySet parent, the ConfigMap gitops-<app>, that stock kubectl can list and understand (KEP-3659;
// the keys follow k8s.io/kubectl/pkg/cmd/apply), and one or more Secrets gitops-<app>-inventory[-N] with one row per
// object. Everything lies in the namespace of the instance.
//
// A record changes by its own methods only, which are named after what happened (rows.go, notes.go, hooks.go). Package
// store loads and saves; nobody else assigns a field.
//
// The package does not decide anything: what is drift, what may be pruned and when to write is the business of
// package reconcile. It sees keyed hashes of manifests and never a value of a Secret. The one exception are the manifests
// of hooks that run when an app is removed: Git has them no longer then, so the record keeps them, as it is given them.
package record
