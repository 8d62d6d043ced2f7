// Package status is the model of what people ask about: status, tree, trace and history, with the form of each in -o json. It
// compares the record of an app with what the cluster held when it was looked at.
//
// It is pure: package inspect reads, package plugin shows.
package status
