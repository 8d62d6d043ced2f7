// Package gitopsyaml reads gitops.yaml, the list of the apps of a config repository, into the settings that package
// reconcile works with.
//
// Everything that is wrong with a file is told at once, each with file and line. The package does NOT read manifests,
// compile the CEL expressions of health rules, or ask a cluster; it reads nothing but the one file and, for globs and
// to see that paths exist, the names of directories.
package gitopsyaml
