// Package cluster is the client of one API server. No other package imports client-go for requests. It reads (get, list,
// watch), writes (create, apply, patch, update, delete), finds out how kinds are addressed and what the user may do, and
// counts each request.
//
// Each method repeats a request when a later try may succeed: after a lost connection, a busy server, or a server error. It
// makes six tries at most, of 60 seconds each. Errors of the API server are those of package apierrors, so
// apierrors.IsNotFound and the like recognise them. Errors before an answer carry a hint.
//
// It does NOT know apps, records or Git, keeps no cache of objects, and never decides what to write.
package cluster
