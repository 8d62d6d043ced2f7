package action

import "strings"

const usage = `gitops-action changes versions in a config repository.

Usage:
  gitops-action run                        as a GitHub Action: inputs from the environment
  gitops-action bump --dir DIR --image NAME=TAG [--value FILE:PATH=VALUE] [flags]
                                           edit the files of a checkout
  gitops-action promote --dir DIR --from ENV --to ENV [flags]
                                           copy image versions from one environment of a checkout to another
  gitops-action check --dir DIR [flags]    report problems of a config repository, such as plain Secrets
  gitops-action version

Flags:
  --dir DIR                the checkout (default ".")
  --image NAME=TAG         bump: image to change, repeatable; also NAME:TAG, NAME@DIGEST, NAME:TAG@DIGEST
  --value FILE:PATH=VALUE  bump: one value to change, repeatable
  --path GLOB              bump, check: only files below these paths, repeatable
  --from ENV, --to ENV     promote: a directory, a file, a pattern such as 'apps/*/overlays/prod', or the name
                           of an environment in promotion.yaml
  --also FILE:PATH         promote: one more value to copy, repeatable; the file is relative to the environment
  --ignore GLOB            check: skip files below these paths, repeatable
  --floating-tags LEVEL    check: report the tag latest and a missing tag as error or warning, or off (default error)
  --allow-downgrade        accept a tag older than the one in the file
  --allow-plain-secrets    accept files that contain a Secret with plain data
  --check                  change nothing; exit 1 when something would change
  -o, --output text|json   how to print the edits (default text)
`

// repeated is a flag that may be given more than once.
type repeated []string

func (r *repeated) String() string { return strings.Join(*r, ", ") }

func (r *repeated) Set(s string) error { *r = append(*r, s); return nil }
