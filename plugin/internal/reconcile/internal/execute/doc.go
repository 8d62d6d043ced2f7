// Package execute carries out the plan of one app: it asks the API server by dry runs which changes it would refuse, applies
// stage by stage, waits for waves and CRDs in between, runs the hooks that belong there, and prunes. It turns each result
// into a row of the record and a change of the report.
//
// It does not decide what should happen, it saves no record except around hooks, and it does not wait for the health of the
// last wave.
package execute
