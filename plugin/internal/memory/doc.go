// Package memory divides the memory of a container among this process and its children, so that no input, and no number of
// inputs together, makes the kernel kill them.
//
// It does NOT limit anything by itself but this process's garbage collector: children are limited by who starts them, and whoever
// reads bytes of others asks for room first.
package memory
