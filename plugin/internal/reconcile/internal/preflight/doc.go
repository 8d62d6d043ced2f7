// Package preflight checks, before the first write for an app, for reasons not to write: missing rights, other tools that
// still apply the objects, a record that was made in another cluster.
//
// It writes nothing to the cluster and decides nothing about single objects: a check passes or ends the run of the app.
package preflight
