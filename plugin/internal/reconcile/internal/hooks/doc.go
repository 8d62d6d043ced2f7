// Package hooks runs the hooks of one app. It runs each hook once for the manifests of the app, waits for its end, and
// records its result before and after.
//
// It does not decide whether hooks are due: package plan does. It does not apply the objects of the app.
package hooks
