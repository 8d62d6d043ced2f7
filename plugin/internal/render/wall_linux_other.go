//go:build linux && !amd64 && !arm64

package render

// machine is unknown: there is no filter for it.
var machine abi
