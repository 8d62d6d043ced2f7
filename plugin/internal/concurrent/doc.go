// Package concurrent calls one function for many indices in parallel, with a limit. It collects no results and no errors:
// the function writes them to a slice.
package concurrent
