package bumper

import "testing"

func TestCompareTags(t *testing.T) {
	for _, c := range []struct {
		older, newer string
	}{
		{"1.8.1", "1.8.2"}, {"1.9.0", "1.10.0"}, {"v1.8.1", "1.8.2"}, {"1", "2"}, {"1.25", "1.26"},
		{"1.0.0-rc.1", "1.0.0"}, {"1.0.0-alpha.2", "1.0.0-beta.1"}, {"1.0.0-rc.9", "1.0.0-rc.10"}, {"1.0.0rc1", "1.0.0rc2"},
		{"1.0.0-SNAPSHOT", "1.0.0"}, {"1.27.0-alpine", "1.27.1-alpine"}, {"1.27.0-alpine", "1.28.0"},
		{"1.2.3-debian-12-r9", "1.2.3-debian-12-r10"}, {"1.2.3-1", "1.2.3-2"}, {"v1.25.3-k3s1", "v1.25.3-k3s2"},
		{"1043", "1044"}, {"999", "1000"}, {"build-1043", "build-1044"}, {"main-42-abcdef1", "main-43-123abcd"},
		{"20240102", "20240103"}, {"2024-01-02", "2024-01-03"}, {"2024-01-02", "2024-02-01"}, {"2024.01.02", "2024.1.10"},
		{"20240102-abc", "20240103-abb"}, {"2024-01-02T15-04-05Z", "2024-01-02T15-04-06Z"},
		{"RELEASE.2024-01-02T15-04-05Z", "RELEASE.2024-01-02T16-04-05Z"},
		{"main-1a2b3c4-1700000000", "main-0a2b3c4-1700000001"}, {"7-jre", "8-jre"},
		{"99999999999999999999999", "100000000000000000000000"},
	} {
		if order, known := compareTags(c.older, c.newer); !known || order >= 0 {
			t.Errorf("compareTags(%s, %s) = %d, %v; want older", c.older, c.newer, order, known)
		}
		if order, known := compareTags(c.newer, c.older); !known || order <= 0 {
			t.Errorf("compareTags(%s, %s) = %d, %v; want newer", c.newer, c.older, order, known)
		}
	}
	for _, c := range [][2]string{
		{"latest", "1.0.0"}, {"1.0.0", "latest"}, {"main", "dev"}, {"1a2b3c4", "5d6e7f8"}, {"sha-1234567", "sha-7654321"},
		{"1.25", "1.25.3"}, {"1.2.3", "1.2.3-1"}, {"1.2.3-alpine", "1.2.3-debian"}, {"1.2.3", "1.2.3-alpine"},
		{"20240102", "1043"}, {"20240102", "1.2.3"}, {"1043", "1.2.3"}, {"main-42", "dev-43"}, {"20240102-abc", "20240102-def"},
		{"main-1a2b3c4", "main-5d6e7f8"}, {"1.0.0-nightly", "1.0.0-dev"},
	} {
		if order, known := compareTags(c[0], c[1]); known {
			t.Errorf("compareTags(%s, %s) = %d, want no known order", c[0], c[1], order)
		}
	}
	for _, c := range [][2]string{{"1.0.0", "v1.0.0"}, {"1.0.0", "1.0.0"}, {"01", "1"}} {
		if order, known := compareTags(c[0], c[1]); !known || order != 0 {
			t.Errorf("compareTags(%s, %s) = %d, %v; want equal", c[0], c[1], order, known)
		}
	}
}

// Names of commits are no versions, whatever digits they happen to have.
func TestFieldOrderOfTags(t *testing.T) {
	for _, c := range [][2]string{
		{"6543b21", "1234a56"}, {"6543b21", "1234b56"}, {"1234567", "7654321"}, {"12345678", "87654321"}, {"6543b21", "6543b22"}, {"1.2.3", "6543b21"},
		{"6543b21", "20240102"}, {"1043", "6543b21"}, {"v1", "6543b21"}, {"main-6543b21", "main-1234b56"}, {"main-6543210", "main-1234567"},
		{"sha-6543b21", "sha-1234b56"}, {"6543b21c0de4", "1234b56c0de4"}, {"1.2.3-6543b21", "1.2.3-1234b56"}, {"1.2.3-6543210", "1.2.3-1234567"},
		{"20240102-6543b21", "20240102-1234b56"}, {"v1.2.3-5-g6543b21", "v1.2.3-5-g1234b56"}, {"6543210-alpine", "1234567-alpine"}, {"1rc1", "1rc2"},
		{"6543b21f6543b21f6543b21f6543b21f6543b21f", "1234b56f6543b21f6543b21f6543b21f6543b21f"}, {"2024.1.2", "1.2.3"}, {"20240102.1", "1.2.3"},
	} {
		for _, pair := range [][2]string{c, {c[1], c[0]}} {
			if order, known := compareTags(pair[0], pair[1]); known {
				t.Errorf("A3 compareTags(%s, %s) = %d, want no known order", pair[0], pair[1], order)
			}
		}
	}
	for _, c := range [][2]string{
		{"6.5.4b2", "6.5.4b3"}, {"1.2.3rc1", "1.2.3rc2"}, {"1.2.3rc1", "1.2.3"}, {"1.2.3-rc.1", "1.2.3-rc.2"}, {"1.2rc1", "1.2rc2"}, {"v1", "v2"},
		{"123456", "123457"}, {"1234567890", "1234567891"}, {"20240102", "20240103"}, {"20240102150405", "20240102150406"}, {"build-123456", "build-123457"},
		{"v1.2.3-5-g6543b21", "v1.2.3-6-g1234b56"}, {"1.2.3-6543b21", "1.2.4-1234b56"}, {"20240102-6543b21", "20240103-1234b56"}, {"2024.1.2", "2024.1.3"},
		{"12345-6543b21", "12346-1234b56"}, {"1.2.3-alpine3.18", "1.2.3-alpine3.19"},
	} {
		if order, known := compareTags(c[0], c[1]); !known || order >= 0 {
			t.Errorf("A3 compareTags(%s, %s) = %d, %v; want older", c[0], c[1], order, known)
		}
		if order, known := compareTags(c[1], c[0]); !known || order <= 0 {
			t.Errorf("A3 compareTags(%s, %s) = %d, %v; want newer", c[1], c[0], order, known)
		}
	}
}
