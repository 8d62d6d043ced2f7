package sops

import (
	"regexp"
	"strings"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"
)

// flatKey begins the keys of the metadata in a dotenv file.
const flatKey = metadataKey + "_"

// textNode is a scalar of YAML that is a string, whatever it looks like.
func textNode(value string, line int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Line: line, Style: yaml.DoubleQuotedStyle}
}

// decryptFlat decrypts values whose metadata stands in one level of keys. block is the line of the metadata.
func decryptFlat(values *yaml.Node, flat map[string]string, block int, identities []age.Identity) (*decryption, Document, error) {
	top := &yaml.Node{Kind: yaml.MappingNode, Line: 1, Content: append([]*yaml.Node{textNode(metadataKey, block), unflatten(flat)}, values.Content...)}
	document := &yaml.Node{Kind: yaml.DocumentNode, Line: 1, Content: []*yaml.Node{top}}
	d, err := begin(document, identities)
	if err != nil {
		return nil, Document{}, err
	}
	plain, err := d.documents([]*yaml.Node{document})
	if err != nil {
		return nil, Document{}, err
	}
	return d, plain[0], nil
}

var listed = regexp.MustCompile(`^(age|key_groups)__list_\d+__map_(.+)$`)

// unflatten makes of the keys of one level what the metadata of YAML has: a key of a mapping in a list is written as
// age__list_0__map_enc. Of other kinds of keys, nothing is needed.
func unflatten(flat map[string]string) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	lists := map[string]*yaml.Node{}
	for name, value := range flat {
		n := textNode(value, 0)
		if name == "mac_only_encrypted" {
			n = &yaml.Node{Kind: yaml.ScalarNode, Value: value}
		}
		m := listed.FindStringSubmatch(name)
		if m == nil {
			if !strings.Contains(name, "__") {
				out.Content = append(out.Content, textNode(name, 0), n)
			}
			continue
		}
		if m[1] == "age" && m[2] != "enc" {
			continue
		}
		if lists[m[1]] == nil {
			lists[m[1]] = &yaml.Node{Kind: yaml.SequenceNode}
			out.Content = append(out.Content, textNode(m[1], 0), lists[m[1]])
		}
		lists[m[1]].Content = append(lists[m[1]].Content, &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{textNode(m[2], 0), n}})
	}
	return out
}
