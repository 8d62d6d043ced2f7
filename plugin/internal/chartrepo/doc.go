// Package chartrepo fetches one version of one chart from a Helm repository or an OCI registry, over https, with limits
// of size and time, and checks it against the digest that the index or the manifest gives.
//
// It does NOT choose versions, use credentials or anybody's Helm configuration, unpack archives or verify signatures.
package chartrepo
