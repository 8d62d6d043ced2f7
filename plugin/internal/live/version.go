package live

import "strconv"

// NotNewer reports whether a resourceVersion is not newer than another one. They count up in one cluster.
func NotNewer(version, than string) bool {
	a, errA := strconv.ParseUint(version, 10, 64)
	b, errB := strconv.ParseUint(than, 10, 64)
	return errA == nil && errB == nil && a <= b
}
