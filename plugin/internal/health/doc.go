// Package health tells how an object is doing: Healthy, Progressing, Degraded, Suspended, Missing or Unknown, and why. It
// knows kstatus, rules of its own for kinds that kstatus judges badly, and the rules in CEL that an app may give.
//
// It is pure: it looks at the object that it is given, and asks no server.
package health
