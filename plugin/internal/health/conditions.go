package health

import (
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// condition is one of an object's status.conditions.
type condition struct {
	Type, Status, Reason, Message string
	Generation                    int64 // the generation it is about; 0 when it does not say
	Since                         time.Time
}

// text is what a person reads: the message, or else the reason.
func (c condition) text() string {
	switch {
	case c.Message == "":
		return orElse(c.Reason, c.Type+" is "+c.Status)
	case c.Reason == "":
		return c.Message
	}
	return c.Reason + ": " + c.Message
}

// conditionsOf returns the conditions of an object by type.
func conditionsOf(u *unstructured.Unstructured) map[string]condition {
	list := conditionList(u)
	found := make(map[string]condition, len(list))
	for _, c := range list {
		found[c.Type] = c
	}
	return found
}

// conditionList reads the conditions of an object, which may be nil, in their order. What is malformed is left out.
func conditionList(u *unstructured.Unstructured) []condition {
	if u == nil {
		return nil
	}
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	found := make([]condition, 0, len(list))
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		c := condition{Type: textOf(m, "type"), Status: textOf(m, "status"), Reason: textOf(m, "reason"), Message: textOf(m, "message")}
		c.Generation, _ = observed(m, "observedGeneration")
		if t, err := time.Parse(time.RFC3339, textOf(m, "lastTransitionTime")); err == nil {
			c.Since = t
		}
		if c.Type != "" {
			found = append(found, c)
		}
	}
	return found
}

func textOf(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

func hasCondition(u *unstructured.Unstructured, name string) bool {
	_, ok := conditionsOf(u)[name]
	return ok
}

func is(u *unstructured.Unstructured, name string) bool {
	return conditionsOf(u)[name].Status == "True"
}

// observed reads a generation, which some controllers write as text.
func observed(m map[string]any, path ...string) (int64, bool) {
	v, _, _ := unstructured.NestedFieldNoCopy(m, path...)
	switch v := v.(type) {
	case int64:
		return v, true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// UnhealthySince returns since when an object is not Healthy, from the condition that says so; the zero time when none does.
func UnhealthySince(u *unstructured.Unstructured) time.Time {
	if u == nil {
		return time.Time{}
	}
	conditions := conditionsOf(u)
	for _, name := range []string{"Stalled", "Failed"} {
		if c, ok := conditions[name]; ok && c.Status == "True" {
			return c.Since
		}
	}
	for _, name := range []string{"Ready", "Available", "Healthy", "Synced", "Established", "ContainersReady", "PodScheduled"} {
		if c, ok := conditions[name]; ok && c.Status != "True" {
			return c.Since
		}
	}
	return time.Time{}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
