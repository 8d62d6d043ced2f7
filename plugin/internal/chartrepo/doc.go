// Package chartrepo fetches one version of one chart from a Helm repository or an OCI registry, over https, with limits
// of size and time, and checks it against the digest that the index or the manifest gives. Of a range of versions it takes the newest.
// It is told which mirror it asks, and what that server is shown: a credential goes to the host that it is for and to no other.
//
// It does NOT know locks, read credentials or anybody's Helm configuration, unpack archives or verify signatures.
package chartrepo
