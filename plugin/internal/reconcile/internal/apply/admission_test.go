package apply

import (
	"encoding/json"
	"testing"
)

func TestSpellingsOfTheServerAreNoRewriting(t *testing.T) {
	for _, pair := range [][2]string{{`"1000m"`, `"1"`}, {`"1"`, `1`}, {`"1h"`, `"60m"`}, {`{"a":"1"}`, `{"a":"1","b":2}`}, {`["1Gi"]`, `["1024Mi"]`}, {`"YQ=="`, `"YQ=="`}} {
		var a, b any
		if json.Unmarshal([]byte(pair[0]), &a) != nil || json.Unmarshal([]byte(pair[1]), &b) != nil || !means(a, b) {
			t.Errorf("%s and %s mean the same", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{`"us"`, `"eu"`}, {`3`, `4`}, {`["a"]`, `["a","b"]`}, {`{"a":"1"}`, `{"a":"2"}`}, {`true`, `false`}} {
		var a, b any
		if json.Unmarshal([]byte(pair[0]), &a) != nil || json.Unmarshal([]byte(pair[1]), &b) != nil || means(a, b) {
			t.Errorf("%s and %s differ", pair[0], pair[1])
		}
	}
}
