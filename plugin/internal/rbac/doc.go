// Package rbac knows which rights a run needs to reconcile objects, and writes rights as the rules of Roles.
//
// It does NOT ask a cluster, and it grants nothing. Package install makes the Roles, and package reconcile checks whether the
// user has the rights.
package rbac
