// Package health judges an object: Healthy, Progressing, Degraded, Suspended, Missing or Unknown, and why. It uses kstatus,
// rules of its own for kinds that kstatus judges badly, and the CEL rules of an app.
//
// It is pure: it judges the object that it is given, and sends no request.
package health
