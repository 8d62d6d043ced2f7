// Package rbac says which rights reconciling objects takes, and writes them as the rules of Roles.
//
// What it does NOT do: it asks no cluster and grants nothing. Package install makes the Roles, package reconcile checks
// whether the rights are there.
package rbac
