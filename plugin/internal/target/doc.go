// Package target finds out what a command works on: from flags, from the records and the installation of an instance, and
// from the checkout that contains the current directory. It returns a reconcile.Target and a source of commits.
//
// No other package reads the credentials of Git. The package applies nothing and prints nothing.
package target
