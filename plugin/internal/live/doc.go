// Package live holds what the cluster contained when it was read, and compares that with the record of an app.
//
// It is pure: package observe fills a Snapshot from lists and reads, and package plan decides what to do about a difference.
package live
