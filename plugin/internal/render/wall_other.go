//go:build !linux

package render

// wallOff has nothing to ask this system for.
func wallOff() (bool, error) { return false, nil }
