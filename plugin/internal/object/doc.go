// Package object says what an object is: its group, version, kind, namespace and name, and the path of requests about it.
// It is the one place that answers this; decoding, confinement, masking, planning and requests ask here. It is pure: it
// reads no file and asks no server.
package object
