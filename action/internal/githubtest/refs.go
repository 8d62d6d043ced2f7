package githubtest

import (
	"fmt"
	"strings"
)

// nothing is the commit of a ref that is not there.
const nothing = "0000000000000000000000000000000000000000"

// updateRefs creates, moves and deletes refs, all of them or none: each only from the commit that the caller names.
func (s *Server) updateRefs(args map[string]any, perm Permissions) (any, *gqlError) {
	const path = "updateRefs"
	in, _ := args["input"].(map[string]any)
	for name, r := range s.repos {
		if in["repositoryId"] != "R_"+r.name {
			continue
		}
		if s.visible(name, perm) == nil || perm.Contents != "write" {
			return nil, &gqlError{"FORBIDDEN", "Resource not accessible by integration", path}
		}
		list, _ := in["refUpdates"].([]any)
		for _, e := range list {
			if message := r.refused(e.(map[string]any)); message != "" {
				return nil, &gqlError{"UNPROCESSABLE", message, path}
			}
		}
		for _, e := range list {
			u := e.(map[string]any)
			ref, after := fmt.Sprint(u["name"]), fmt.Sprint(u["afterOid"])
			if after == nothing {
				r.deleteBranch(strings.TrimPrefix(ref, "refs/heads/"))
				continue
			}
			r.refs[ref] = after
		}
		r.moved()
		return map[string]any{"clientMutationId": nil}, nil
	}
	return nil, &gqlError{"NOT_FOUND", "Could not resolve to a node with the global id", path}
}

// refused is why a ref cannot be updated, "" when it can.
func (r *Repo) refused(u map[string]any) string {
	ref, after := fmt.Sprint(u["name"]), fmt.Sprint(u["afterOid"])
	now := r.refs[ref]
	if before, given := u["beforeOid"].(string); given && before != now && !(before == nothing && now == "") {
		return "Reference cannot be updated: is at another value than expected"
	}
	force, _ := u["force"].(bool)
	switch {
	case after == nothing && now == "":
		return "Reference cannot be updated: does not exist"
	case after == nothing || now == "":
		return ""
	case r.store.commits[after] == nil:
		return "Reference cannot be updated: object does not exist"
	case r.store.isAncestor(now, after):
		return ""
	case !force:
		return "Reference cannot be updated: not a fast forward"
	case r.options.NoForce:
		return "Repository rule violations found: Cannot force-push to this branch"
	}
	return ""
}
