// Package gitopsyaml reads gitops.yaml, the list of the apps of a config repository, into values of package app.
//
// It reports everything that is wrong with a file at once, each problem with its line. It reads the one file and, for
// wildcards and to check that paths exist, names of directories. It does NOT read manifests, compile the CEL expressions of
// health rules, or ask a cluster.
package gitopsyaml
