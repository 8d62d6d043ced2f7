package build

import "testing"

// Which values of a Secret may be used everywhere, and which are hidden.
func TestPlainValuesOfASecret(t *testing.T) {
	s := &Variables{values: map[string]any{}, secret: map[string]string{}}
	for name, value := range map[string]string{"DOMAIN": "shop.example.com", "MAIL_FROM": "ops@example.com", "PASSWORD": "hunter2-canary"} {
		s.set(name, value, "cluster-secrets", isPlain(name, []string{"DOMAIN", "MAIL_*"}))
	}
	if all := s.Hidden(); len(all) != 1 || all["hunter2-canary"] == "" {
		t.Errorf("hidden are %v", all)
	}
	s.set("PASSWORD", "from Git", "", false)
	s.set("DOMAIN", "hidden.example.com", "another", false)
	if all := s.Hidden(); len(all) != 1 || all["hidden.example.com"] == "" || len(s.plain) != 1 {
		t.Errorf("hidden are %v, plain %v", all, s.plain)
	}
}
