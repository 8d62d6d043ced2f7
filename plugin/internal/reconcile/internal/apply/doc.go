// Package apply writes single objects of one app to the cluster: it applies, recreates, prunes and releases them, or asks by
// a dry run what would happen. It finds out what a write changed, and turns the answers of the API server into messages with
// hints.
//
// It uses server-side apply with the field manager record.Manager. It does not decide what should happen: package plan does.
// It saves no record, orders no objects, and runs no hooks.
package apply
