// Package reconcile makes the cluster equal to Git: Run is one run over all apps of a target, Session repeats runs, Remove ends
// the management of one app.
//
// A run has five stages (see run.go). It finds the commit and the apps, observes the cluster with one list per kind, decides
// what to do for each app, works on one app after the other, and concludes what concerns several apps. Package internal/pass
// takes one app through the run.
//
// The package never writes to Git, prints nothing, and knows no flags. It sends requests only through package cluster, and
// changes no object that neither Git nor the record names. Package loop decides when to run.
package reconcile
