// Package chart renders Helm charts as `helm template` does, with Helm's own loader and engine.
//
// It does NOT read files (they are given to it), fetch anything, talk to a cluster, keep releases, run hooks or
// post-renderers. Functions that would make two renders differ, such as randAlphaNum and now, are found out and
// refused; `lookup` finds nothing and host names are not resolved.
package chart
