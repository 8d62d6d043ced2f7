package bumper

import "testing"

func TestFieldLayouts(t *testing.T) {
	for _, c := range []struct {
		base, over string
		want       bool
	}{
		{"web/values.yaml", "web/values-prod.yaml", true},
		{"web/values.yaml", "web/values.prod.yaml", true},
		{"web/values.yaml", "web/values_prod.yml", true},
		{"web/values.yaml", "web/prod-values.yaml", true},
		{"web/values.yaml", "web/prod.yaml", true},
		{"web/values.yaml", "web/values-test.yaml", true},
		{"web/values.yaml", "web/values-prod-eu-west-1.yaml", true},
		{"web/values.yaml", "web/values/prod.yaml", true},
		{"web/values.yaml", "web/prod/values.yaml", true},
		{"web/values.yaml", "web/prod2/values.yaml", true},
		{"web/values.yaml", "web/envs/blue/values.yaml", true},
		{"web/values.yaml", "web/overlays/prod/values.yaml", true},
		{"web/base/values.yaml", "web/overlays/prod/values.yaml", true},
		{"web/values-common.yaml", "web/values-prod.yaml", true},
		{"values/base/web.yaml", "values/prod/web.yaml", true},
		{"values/web.yaml", "values/prod/web.yaml", true},
		{"clusters/base/web/values.yaml", "clusters/prod/web/values.yaml", true},
		{"web-values.yaml", "web-values-prod.yaml", true},
		{"charts/web/values.yaml", "charts/web/whatever/customer.yaml", true},
		{"charts/web/values.yaml", "charts/web/ci/values.yaml", true},
		{"values.yaml", "values-prod.yaml", true},

		{"web/values-dev.yaml", "web/values-prod.yaml", false},
		{"web/values.yaml", "api/values-prod.yaml", false},
		{"web/values.yaml", "web/redis-values.yaml", false},
		{"web/values.yaml", "web/values-redis.yaml", false},
		{"web/values.yaml", "web/values-redis-prod.yaml", false},
		{"web/values.yaml", "web/db/values.yaml", false},
		{"web/values.yaml", "web/load-balancer/values.yaml", false},
		{"values.yaml", "web/values-prod.yaml", false},
		{"values/web/common.yaml", "values/api/prod.yaml", false},
		{"overlays/web/values.yaml", "overlays/api/prod/values.yaml", false},
		{"api-values.yaml", "web-values-prod.yaml", false},
		{"charts/web/values.yaml", "charts/web/charts/db/values.yaml", false},
		{"charts/web/values.yaml", "charts/web/templates/x.yaml", false},
		{"charts/web/values.yaml", "charts/web/Chart.yaml", false},
		{"charts/web/values-prod.yaml", "charts/web/values.yaml", false},
	} {
		p := newPlaces([]File{{Path: "charts/web/Chart.yaml"}, {Path: "charts/web/charts/db/Chart.yaml"}})
		base, ok := p.of(c.base)
		over, ok2 := p.of(c.over)
		if got := ok && ok2 && holdsDefaults(base, over, c.base); got != c.want {
			t.Errorf("A6 %s holds defaults of %s: %v (%+v, %+v)", c.base, c.over, got, base, over)
		}
	}
}
