// Package install knows what an instance of kubectl-gitops in a cluster consists of: a Namespace, a ServiceAccount, its
// rights and a CronJob that runs `reconcile`. It makes these manifests, applies them, finds them again and removes them.
//
// What it does NOT do: it reconciles nothing, reads no repository, and never touches a Secret with credentials: those
// are their owner's, the CronJob only mounts one.
package install
