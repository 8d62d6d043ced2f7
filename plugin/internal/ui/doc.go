// Package ui is what people see: tables, lines of progress, errors with hints, and the documents of -o. It gets values and
// writes them to streams.
//
// The rules:
//
//   - Data goes to Out; progress, warnings, errors and hints go to Err. With -o json and the like Out carries that
//     and nothing else (see Terminal.ReserveOut).
//   - Words carry the meaning, colour repeats it: without colour nothing is lost.
//   - Off a terminal the lines are the same, never cut, never repainted.
//   - What comes from Git or the cluster is escaped: it cannot move the cursor, start a line or reorder text.
//
// It asks neither a cluster nor a repository, and does not know which command it prints for.
package ui
