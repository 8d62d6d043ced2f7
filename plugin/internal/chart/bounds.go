package chart

import "errors"

// Bounds of what one call of a template function may produce.
const (
	maxText = 16 << 20 // bytes
	maxList = 1 << 20  // elements
)

var errTooLarge = errors.New("the result would be too large")
