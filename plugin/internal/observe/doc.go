// Package observe fills a live.Snapshot: by one list of metadata for each kind, and by reads of single objects where
// metadata does not answer a question. A partial list counts as none, and what is missing in a list from the server's cache
// is looked up again with a consistent list.
//
// It can only read: its Cluster has no other verbs. It does not decide what a difference means.
package observe
