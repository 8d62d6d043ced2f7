package reconcile

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func TestAttackOneSlowTemplate(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	list := &record.AppList{Tool: "v1", Revision: report.Revision{Commit: "c1"}, Apps: []string{"slow", "broken", "fine"},
		Behind: []record.Behind{{App: "slow", Failed: true, Message: "took longer than 2m0s", Rendered: &at, Config: "s1"}, {App: "broken", Failed: true, Message: "x"}}}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	read := &record.AppList{} // by the next process
	if err := json.Unmarshal(text, read); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		list                      *record.AppList
		app, commit, tool, config string
		after                     time.Duration
		again                     bool
	}{
		"X13 the next pass":              {list, "slow", "c1", "v1", "s1", time.Second, false},
		"X13 the next process":           {read, "slow", "c1", "v1", "s1", time.Minute, false},
		"X13 almost an hour later":       {list, "slow", "c1", "v1", "s1", time.Hour - 1, false},
		"X13 an hour later":              {list, "slow", "c1", "v1", "s1", time.Hour, true},
		"X13 the next commit":            {list, "slow", "c2", "v1", "s1", time.Second, true},
		"X13 other settings":             {list, "slow", "c1", "v1", "s2", time.Second, true},
		"X13 another version":            {list, "slow", "c1", "v2", "s1", time.Second, true},
		"X13 an app that is only broken": {list, "broken", "c1", "v1", "s1", time.Second, true},
		"X13 an app that is fine":        {list, "fine", "c1", "v1", "s1", time.Second, true},
		"X13 no list yet":                {nil, "slow", "c1", "v1", "s1", time.Second, true},
		"X13 a clock that went back":     {list, "slow", "c1", "v1", "s1", -time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := costly(tt.list, tt.app, tt.commit, tt.tool, tt.config, at.Add(tt.after))
			if (b == nil) != tt.again {
				t.Errorf("%+v", b)
			}
		})
	}
}
