// Package pass takes one app through a run: it loads the record, observes the cluster, renders, plans, checks, applies and
// prunes, waits for health, and saves the record with a report.
//
// pass.go has the steps in order. They are methods of stages (reading, planning, reverting, writing, removal, ending), which
// are views of one Pass. What the apps of a run owe each other, package reconcile decides and tells each Pass.
package pass
