package crossapp

import "slices"

// Waiting returns the apps that wait for somebody: those of themselves, and those that depend on one, directly or through others.
// dependsOn has the dependencies of each app. They may be from records of different commits, and so form a circle.
func Waiting(dependsOn map[string][]string, themselves map[string]bool) map[string]bool {
	waiting := map[string]bool{}
	waits := func(app string) bool { return themselves[app] || waiting[app] }
	for more := true; more; {
		more = false
		for app, deps := range dependsOn {
			if !waiting[app] && (themselves[app] || slices.ContainsFunc(deps, waits)) {
				waiting[app], more = true, true
			}
		}
	}
	return waiting
}
