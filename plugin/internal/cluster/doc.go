// Package cluster is the only importer of a Kubernetes client. It speaks to one API server in the five verbs the
// reconciler needs (list, get, apply, patch, delete), maps kinds to resources and
// counts every request it makes.
//
// It does not know apps, records or Git, keeps no cache of objects and never decides what to write.
package cluster
