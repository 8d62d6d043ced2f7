//go:build !linux || (!amd64 && !arm64)

package render

// wallOff has no filter for this system.
func wallOff() (bool, error) { return false, nil }
