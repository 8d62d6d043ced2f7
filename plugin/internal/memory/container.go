package memory

import (
	"bytes"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Container returns how many bytes the control groups of this process allow it, 0 when they set no limit. root is the root of the
// file system. Both versions of control groups are read, and the groups above that of the process.
func Container(root fs.FS) int64 {
	groups, _ := fs.ReadFile(root, "proc/self/cgroup") // lines are NUMBER:CONTROLLERS:PATH; none outside Linux
	files := map[string]bool{"sys/fs/cgroup/memory.max": true, "sys/fs/cgroup/memory/memory.limit_in_bytes": true}
	for line := range bytes.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(string(line)), ":", 3)
		if len(parts) != 3 {
			continue
		}
		top, file := "sys/fs/cgroup", "memory.max"
		if strings.Contains(","+parts[1]+",", ",memory,") {
			top, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		} else if parts[1] != "" {
			continue
		}
		for at := path.Clean("/" + parts[2]); ; at = path.Dir(at) {
			files[path.Join(top, at, file)] = true
			if at == "/" {
				break
			}
		}
	}
	least := int64(0)
	for name := range files {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // "max" is no number
		if err == nil && n > 0 && n < unlimited && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// unlimited is what version 1 says for no limit, about.
const unlimited = 1 << 60
