// Package envsubst replaces expressions such as ${NAME:=default} in text, with the results that Flux' postBuild gives.
//
// Flux uses github.com/fluxcd/pkg/envsubst for that. The results of that library are the specification of this package, also where a
// shell gives others. A test in render/upstream compares the two. The library itself is not used, because it bounds nothing: a text of
// a few bytes can grow without end, each $$ costs time that grows with the whole text, and it recurses once for each expression. Its
// errors name neither the variable nor the place.
//
// The package does NOT read YAML, look for variables or know what is secret.
package envsubst
