// Package report holds the words of results: what a run did to each object and each app, how an app relates to Git, and
// what is told while a run works. Records store some of them, outputs print them, and all JSON names are promises.
//
// It is pure, and has no opinion: it says what happened, not what should.
package report
