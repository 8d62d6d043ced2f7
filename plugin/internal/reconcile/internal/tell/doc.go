// Package tell collects what happens to one app during a run: events at once, and changes, effects and errors for the
// report.
//
// The record, its history, Kubernetes Events and notifications are made from these, so this is the place where secret values
// are masked. Values of encrypted files and of variables from Secrets are masked by value in everything that passes through
// a Teller. Values of Secrets are masked in text that comes from the API server or from a hook, which may repeat what it was
// sent.
//
// The package sends no request and prints nothing.
package tell
