//go:build !linux

package render

import "runtime/debug"

// confine cannot limit memory here; the collector at least works harder before that much is used.
func confine(memory int64, _ uint64) error {
	debug.SetMemoryLimit(memory / 10 * 9)
	return nil
}
