package action

import (
	"strings"
	"testing"
)

// TestAttackPlainAddresses: an address by plain http would show the token.
func TestAttackPlainAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://ghe.example/api/v3": true, "http://127.0.0.1:1": true, "http://[::1]:1": true, "http://localhost:1": true,
		"http://ghe.example/api/v3": false, "HTTP://ghe.example": false, "http://127.0.0.1.example": false, "http://localhost.example": false,
	} {
		for _, name := range []string{"api-url", "graphql-url"} {
			t.Run("X15 "+name+" "+address, func(t *testing.T) {
				env := map[string]string{"GITHUB_REPOSITORY": "acme/config", "INPUT_TOKEN": "x", "INPUT_IMAGES": "a=1", "INPUT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")): address}
				_, err := readInputs(func(k string) string { return env[k] })
				if (err == nil) != ok {
					t.Errorf("error %v", err)
				}
			})
		}
	}
}
