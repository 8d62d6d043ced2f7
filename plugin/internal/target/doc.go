// Package target finds out what a command works on: from flags, from the records and the installation of an instance, and from the
// checkout we stand in. What comes out is a reconcile.Target and a source of commits.
//
// Credentials of Git end here: no other package imports those that read a repository with them. It applies nothing, and prints
// nothing.
package target
