// Package wait waits until the objects of one app are healthy, or gone, and keeps their last known state.
//
// All waits share the time budget of the app. While it waits, the package watches the objects, and lists them where a watch is
// not possible. It only reads, and it does not decide which objects to wait for.
package wait
