// Package observe fills a live.Snapshot: one list of metadata for each kind, and the values of single objects where metadata
// leaves a question open. It counts on nothing but what the server answered: a part of a list is none, and what is missing
// in a list that may be a moment old is looked for once more.
//
// It can read only: its Cluster has no other verbs.
package observe
