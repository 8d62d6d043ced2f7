// Package desired turns what was rendered for an app into what is sent to the cluster: kinds and namespaces filled in, the label
// of the app set, fields left out that are somebody else's, in stages, with hooks told apart. It also has the table of the
// annotations with which a manifest asks for something.
//
// It is pure, but for the two questions in Cluster: a run, a preview and the reference read the same rules.
package desired
