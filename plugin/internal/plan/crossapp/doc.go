// Package crossapp decides what the apps of one run owe each other: objects that two of them define, objects that move from one to
// the other, the deletion budget that apps share which leave together, and the order in which apps are applied and removed.
//
// It is pure: it is given what is known of each app, and makes no request.
package crossapp
