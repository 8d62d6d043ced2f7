package memory

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"
	"testing/synctest"
)

func TestContainer(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing":              {nil, 0},
		"version 2":            {map[string]string{"sys/fs/cgroup/memory.max": "268435456\n"}, 256 * MiB},
		"version 2, no limit":  {map[string]string{"sys/fs/cgroup/memory.max": "max\n"}, 0},
		"version 1":            {map[string]string{"sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n"}, 256 * MiB},
		"version 1, no limit":  {map[string]string{"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"not a number":         {map[string]string{"sys/fs/cgroup/memory.max": "x"}, 0},
		"nothing at all":       {map[string]string{"sys/fs/cgroup/memory.max": "0"}, 0},
		"its own group":        {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "3145728\n"}, 3 * MiB},
		"a group above":        {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "3145728\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, 3 * MiB},
		"the least of several": {map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "7340032\n", "sys/fs/cgroup/memory.max": "3145728\n"}, 3 * MiB},
		"its own, version 1": {map[string]string{"proc/self/cgroup": "5:cpu:/x\n4:memory:/a\n0::/y\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "3145728\n",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "1"}, 3 * MiB},
		"a path that climbs":  {map[string]string{"proc/self/cgroup": "0::/../../a\n", "sys/fs/cgroup/a/memory.max": "3145728\n"}, 3 * MiB},
		"lines that are none": {map[string]string{"proc/self/cgroup": "x\n\n::\n", "sys/fs/cgroup/memory.max": "3145728"}, 3 * MiB},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{}
			for file, text := range tt.files {
				root[file] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := Container(root); got != tt.want {
				t.Errorf("%d instead of %d", got, tt.want)
			}
		})
	}
}

// of is a budget of a process that holds some MiB.
func of(limit, held int64) (b *Budget, collect *int64) {
	collect = new(int64)
	return New(limit*MiB, func() int64 { return held * MiB }, func(n int64) { *collect = n / MiB }), collect
}

func TestAttackSharesFitIntoTheContainer(t *testing.T) {
	for name, tt := range map[string]struct {
		limit, held     int64 // MiB
		first, second   int64
		alone           int64
		collector, both int64 // what is left to this process with one child, and with two
	}{
		"X6 a small container":             {512, 10, 160, 160, 320, 288, 128},
		"X6 a process that grew":           {512, 200, 124, 124, 248, 324, 200},
		"X6 a large container":             {4096, 100, 1024, 1024, 1024, 2560, 1536},
		"X6 room for one":                  {256, 10, 96, 0, 160, 128, 0},
		"X6 a process that holds too much": {512, 400, 0, 0, 0, 0, 0},
		"X6 a tiny container":              {64, 1, 0, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, collector := of(tt.limit, tt.held)
			one, err := b.Take(t.Context(), 1024*MiB, false)
			if tt.first == 0 {
				if !errors.Is(err, ErrFull) {
					t.Error(one, err)
				}
				return
			}
			if err != nil || one.Bytes != tt.first*MiB || *collector != tt.collector {
				t.Fatal(one, err, *collector)
			}
			if tt.second > 0 {
				two, err := b.Take(t.Context(), 1024*MiB, false)
				if err != nil || two.Bytes != tt.second*MiB || *collector != tt.both {
					t.Fatal(two, err, *collector)
				}
				two.Release()
			}
			one.Release()
			all, err := b.Take(t.Context(), 1024*MiB, true)
			if err != nil || all.Bytes != tt.alone*MiB || !all.Whole {
				t.Error(all, err)
			}
		})
	}
}

func TestAttackManyAppsWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := of(512, 10)
		most, running := int64(0), int64(0)
		done := make(chan *Share)
		for i := range 16 {
			go func() {
				s, err := b.Take(t.Context(), 1024*MiB, i%3 == 0) // every third one alone
				if err != nil {
					t.Error(err)
				}
				done <- s
			}()
		}
		var open []*Share
		for range 16 {
			synctest.Wait()
			s := <-done
			open = append(open, s)
			running += s.Bytes
			if most = max(most, running); running > 320*MiB {
				t.Errorf("X6: %d MiB of children at once", running/MiB)
			}
			if len(open) == 2 || s.Whole {
				for _, s := range open {
					running -= s.Bytes
					s.Release()
				}
				open = nil
			}
		}
		if most != 320*MiB {
			t.Errorf("at most %d MiB", most/MiB)
		}
	})
}

func TestRoom(t *testing.T) {
	b, _ := of(512, 100) // 448 MiB are somebody's
	s, err := b.Take(t.Context(), 1024*MiB, true)
	if err != nil {
		t.Fatal(err)
	}
	if s.Room(28*MiB) != nil || !errors.Is(s.Room(29*MiB), ErrFull) || b.Room(28*MiB) != nil {
		t.Error("beside a child")
	}
	s.Keep(200 * MiB)
	if s.Room(348*MiB) != nil || s.Room(349*MiB) == nil {
		t.Error("with what the child has left")
	}
	if b.Room(148*MiB) != nil || b.Room(149*MiB) == nil {
		t.Error("beside what the child has left")
	}
	s.Release()
	s.Release()
	if b.Room(348*MiB) != nil || b.Room(349*MiB) == nil {
		t.Error("alone")
	}
	var none *Budget
	if none.Room(1<<60) != nil || none.Of(8, 7) != 7 {
		t.Error("no budget")
	}
	if b.Of(16, 1<<40) != 32*MiB || b.Of(16, 1) != 1 {
		t.Error("a part")
	}
}

func TestWithoutALimit(t *testing.T) {
	b, collector := of(0, 1<<20)
	for range 20 {
		s, err := b.Take(t.Context(), 1024*MiB, false)
		if err != nil || s.Bytes != 1024*MiB || !s.Whole || s.Room(1<<50) != nil {
			t.Fatal(s, err)
		}
	}
	if b.Room(1<<60) != nil || *collector != 0 {
		t.Error("limited")
	}
}

func TestTakeEndsWithItsContext(t *testing.T) {
	b, _ := of(512, 10)
	if _, err := b.Take(t.Context(), 1024*MiB, true); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Take(ctx, 1024*MiB, false); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
