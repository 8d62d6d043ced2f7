// Package build returns what one app renders to at a commit, or finds out that it need not be rendered: nothing that it is
// rendered from has changed, or the same render failed a moment ago.
//
// It also reads the variables of an app from ConfigMaps and Secrets. It writes nothing to the cluster, and it does not
// decide which objects may be applied: package desired prepares them.
package build
