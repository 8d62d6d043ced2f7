// Package chart renders Helm charts as `helm template` does, with the loader and the engine of Helm.
//
// It does NOT read files (its callers pass them), fetch anything, talk to a cluster, keep releases, or run hooks and
// post-renderers. It refuses functions whose result differs from render to render, such as randAlphaNum and now. `lookup`
// finds nothing, and host names are not resolved.
package chart
