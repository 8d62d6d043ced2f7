// Package chartrepo fetches one version of one chart from a Helm repository or an OCI registry, over https, with limits
// of size and time, and checks it against the digest that the index or the manifest gives. Of a range of versions it takes the newest.
//
// It does NOT know locks, use credentials or anybody's Helm configuration, unpack archives or verify signatures.
package chartrepo
