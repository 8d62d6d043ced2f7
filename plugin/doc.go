// Package plugin is the command line of the pull half: one file for each command, completion, and exit codes.
//
// It holds no reconciling of its own: a command asks package target what to work on, calls the package that does it, and hands
// the result to package ui. It never writes Git and must not import the push half (bumper, action).
package plugin
