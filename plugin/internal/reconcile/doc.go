// Package reconcile is the use case: it makes the cluster equal to Git, one app at a time.
//
// A pass polls Git, loads the record, observes the live objects, renders when there is something to do, plans, guards
// against mass deletion, writes the record ahead, applies in stages, prunes, waits for health and saves the record.
// See pass.go for the stages in order.
//
// The package never writes Git, prints nothing and knows no flags. It speaks to the API server only through package
// cluster, and touches no object that neither Git nor the record names.
package reconcile
