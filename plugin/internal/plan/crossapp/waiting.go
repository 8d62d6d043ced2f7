package crossapp

// Waiting returns the apps that wait for somebody: those of themselves, and those that depend on one, directly or through others.
// dependsOn has the dependencies of each app, without a cycle.
func Waiting(dependsOn map[string][]string, themselves map[string]bool) map[string]bool {
	known := map[string]bool{}
	var waits func(app string) bool
	waits = func(app string) bool {
		if is, done := known[app]; done {
			return is
		}
		is := themselves[app]
		for _, dep := range dependsOn[app] {
			is = waits(dep) || is
		}
		known[app] = is
		return is
	}
	for app := range dependsOn {
		waits(app)
	}
	for app, is := range known {
		if !is {
			delete(known, app)
		}
	}
	return known
}
