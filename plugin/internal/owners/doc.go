// Package owners reads from objects which other tool applies them or has made them (Flux, Argo CD, Helm, Fleet, kapp), and
// from that tool's own objects whether it would write them again.
//
// It is pure: it looks at objects that were read, and asks no server.
package owners
