// Package store loads and saves the records of one instance: a ConfigMap and some Secrets for each app, and a Secret for each
// gitops.yaml. Every write is a compare-and-set; ErrBusy says that another writer was faster.
//
// It decides nothing: what a record says, and how it is encoded, is the business of package record.
package store
