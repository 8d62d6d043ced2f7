// Package plugin is the command line of the pull half: flags, commands, what people see, and exit codes.
//
// It holds no reconciling of its own: a command resolves its flags, calls package reconcile and prints the result. It
// never writes Git and must not import the push half (bumper, action).
package plugin
