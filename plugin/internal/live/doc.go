// Package live is what the cluster held when we looked, and how that compares with the record of an app.
//
// It is pure: package observe fills a Snapshot from lists and reads; what is concluded from it is tested as a table.
package live
