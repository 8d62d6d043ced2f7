// Package ui prints what people see: tables, lines of progress, errors with hints, and the documents of -o. It gets values and
// writes them to streams.
//
// The rules:
//
//   - Data goes to Out. Progress, warnings, errors and hints go to Err. With -o json and the like, Out gets the document and
//     nothing else (see Terminal.ReserveOut).
//   - Words say everything. Colour only repeats what they say.
//   - Without a terminal the lines are the same, but they are never cut and never painted over.
//   - Text from Git or the cluster is escaped: it cannot move the cursor, start a line or reorder text.
//
// It does NOT ask a cluster or a repository, and it does not know which command prints.
package ui
