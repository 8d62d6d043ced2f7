// Package concurrent runs the same thing many times at once, with a limit and in order.
package concurrent
