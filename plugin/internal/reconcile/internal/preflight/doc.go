// Package preflight looks, before anything is written for an app, for reasons not to: rights that are missing, other tools that still
// apply the objects, a record that was made in another cluster.
//
// It writes nothing.
package preflight
