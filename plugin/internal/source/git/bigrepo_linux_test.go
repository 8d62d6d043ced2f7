package git_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

const (
	bigTeams, bigServices, bigParts, bigFiles = 100, 40, 5, 10 // 200,000 files in 24,000 directories
	bigFileBytes                              = 5243           // 1 GB together
	bigAppFiles                               = 40
)

// TestBigRepository measures a first fetch and the next commit of a repository of 1 GB and 200,000 files, of which an app reads 40,
// beside git itself. It writes the table into the document that BIGREPO_DOC names (make bench-bigrepo).
func TestBigRepository(t *testing.T) {
	doc := os.Getenv("BIGREPO_DOC")
	if doc == "" {
		t.Skip("make bench-bigrepo runs it")
	}
	r := newRepository(t)
	r.git("config", "uploadpack.allowFilter", "true")
	r.importBig()
	a := new(asked)
	b := &bigBench{repository: r, asked: a, url: r.serve(a.wrap).URL + "/config/.git"}
	rows := []bigRow{
		b.clones("`git clone --depth 1`", []string{"clone", "-q", "--depth", "1"}, nil, []string{"fetch", "-q", "--depth", "1", "origin", "main"}, []string{"reset", "-q", "--hard", "FETCH_HEAD"}),
		b.clones("`git clone --filter=blob:none --sparse`", []string{"clone", "-q", "--filter=blob:none", "--sparse"}, []string{"sparse-checkout", "set", "apps/shop"}, []string{"pull", "-q"}),
		b.loop(),
		b.program(),
	}
	first, shallow := rows[2].first, rows[0].first
	for what, share := range map[string]float64{
		"bytes": float64(first.bytes) / float64(shallow.bytes), "disk": float64(first.disk) / float64(shallow.disk),
	} {
		if share > 0.2 {
			t.Errorf("%s: %.2f of the shallow clone", what, share)
		}
	}
	writeBig(t, doc, rows)
}

// importBig fills the repository.
func (r repository) importBig() {
	r.t.Helper()
	cmd := exec.Command("git", "fast-import", "--quiet", "--depth=0")
	cmd.Dir, cmd.Env = r.dir, gitEnv()
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	out, random := bufio.NewWriterSize(in, 1<<20), rand.NewChaCha8([32]byte{1})
	fmt.Fprint(out, "commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 5\nfirst\n")
	write := func(name string, data []byte) {
		fmt.Fprintf(out, "M 100644 inline %s\ndata %d\n%s\n", name, len(data), data)
	}
	data := make([]byte, bigFileBytes)
	n := 0
	for i := range bigTeams * bigServices * bigParts * bigFiles {
		if n++; n > bigTeams*bigServices*bigParts*bigFiles-bigAppFiles {
			break
		}
		_, _ = random.Read(data)
		at := []int{i / (bigServices * bigParts * bigFiles), i / (bigParts * bigFiles) % bigServices, i / bigFiles % bigParts, i % bigFiles}
		write(fmt.Sprintf("teams/team-%02d/service-%02d/part-%d/file-%d.bin", at[0], at[1], at[2], at[3]), data)
	}
	for i := range bigAppFiles {
		write(fmt.Sprintf("apps/shop/object-%02d.yaml", i), bigObject(i, "first"))
	}
	fmt.Fprint(out, "\ndone\n")
	if err := out.Flush(); err != nil {
		r.t.Fatal(err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		r.t.Fatal(err)
	}
}

func bigObject(i int, text string) []byte {
	return fmt.Appendf(nil, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: object-%02d}\ndata: {text: %s}\n# %s\n", i, text, strings.Repeat("x", bigFileBytes-100))
}

// next commits a change of one file of the app.
func (r repository) next(text string) {
	data := bigObject(7, text)
	r.fastImport(fmt.Sprintf("commit refs/heads/main\ncommitter A <a@example.com> 1700000001 +0000\ndata 4\nnext\nfrom refs/heads/main^0\nM 100644 inline apps/shop/object-07.yaml\ndata %d\n%s\n", len(data), data))
}

// spent is what a fetch took.
type spent struct {
	bytes, disk, memory int64
	requests            int
	took, cpu           time.Duration
}

type bigRow struct {
	what        string
	first, next spent
}

type bigBench struct {
	repository
	asked *asked
	url   string
	n     int
}

// since returns what was sent since the last call.
func (b *bigBench) since() (sent int64, requests int) {
	b.asked.mu.Lock()
	defer b.asked.mu.Unlock()
	sent, requests = b.asked.bytes, len(b.asked.list)
	b.asked.bytes, b.asked.list = 0, nil
	return sent, requests
}

// measure runs commands one after the other, with dir for temporary files.
func (b *bigBench) measure(dir string, commands ...*exec.Cmd) (s spent) {
	b.t.Helper()
	b.since()
	began := time.Now()
	for _, cmd := range commands {
		cmd.Env = append(gitEnv(), "TMPDIR="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
		}
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			s.memory = max(s.memory, usage.Maxrss<<10)
			s.cpu += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		}
	}
	s.took = time.Since(began)
	s.bytes, s.requests = b.since()
	s.disk = onDisk(b.t, dir)
	return s
}

func (b *bigBench) clones(what string, clone, after []string, update ...[]string) (row bigRow) {
	b.t.Helper()
	dir := b.t.TempDir()
	at := filepath.Join(dir, "clone")
	in := func(args []string) *exec.Cmd { return exec.Command("git", append([]string{"-C", at}, args...)...) }
	commands := []*exec.Cmd{exec.Command("git", append(clone, b.url, at)...)}
	if after != nil {
		commands = append(commands, in(after))
	}
	row.what = what
	row.first = b.measure(dir, commands...)
	b.n++
	b.next(fmt.Sprintf("commit-%d", b.n))
	commands = nil
	for _, args := range update {
		commands = append(commands, in(args))
	}
	row.next = b.measure(dir, commands...)
	b.t.Logf("%+v", row)
	return row
}

// program measures a process for each commit, as a job starts them; it also renders the app.
func (b *bigBench) program() bigRow {
	b.t.Helper()
	program := filepath.Join(b.t.TempDir(), "kubectl-gitops")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "../../../../cmd/kubectl-gitops")
	if out, err := build.CombinedOutput(); err != nil {
		b.t.Fatalf("%v\n%s", err, out)
	}
	row := bigRow{what: "`kubectl gitops render`, a process for each commit"}
	for _, s := range []*spent{&row.first, &row.next} {
		dir := b.t.TempDir()
		*s = b.measure(dir, exec.Command(program, "render", "--repo", b.url, "--path", "apps/shop", "--target-namespace", "shop"))
		b.n++
		b.next(fmt.Sprintf("commit-%d", b.n))
	}
	b.t.Logf("%+v", row)
	return row
}

// loop measures a process that stays, as a loop does.
func (b *bigBench) loop() bigRow {
	b.t.Helper()
	row := bigRow{what: "kubectl-gitops, a loop"}
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	dir := b.t.TempDir()
	cmd := exec.Command(self, "-test.run=^TestBigRepositoryClient$")
	cmd.Env = append(gitEnv(), "TMPDIR="+dir, "BIGREPO_CLIENT="+b.url)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	b.since()
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for _, s := range []*spent{&row.first, &row.next} {
		var took, cpu, memory int64
		for said.Scan() {
			if n, _ := fmt.Sscanf(said.Text(), "fetched %d %d %d", &took, &cpu, &memory); n == 3 {
				break
			}
		}
		s.took, s.cpu, s.memory, s.disk = time.Duration(took), time.Duration(cpu), memory, onDisk(b.t, dir)
		s.bytes, s.requests = b.since()
		b.n++
		b.next(fmt.Sprintf("commit-%d", b.n))
		_, _ = io.WriteString(in, "next\n")
	}
	in.Close()
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Logf("%+v", row)
	return row
}

// TestBigRepositoryClient is the process that loop measures.
func TestBigRepositoryClient(t *testing.T) {
	url := os.Getenv("BIGREPO_CLIENT")
	if url == "" {
		t.Skip("TestBigRepository runs it")
	}
	o := git.OnDemand{Repo: git.Repo{URL: url, Ref: "main", Server: new(git.Server)}, First: []string{"gitops.yaml"}, Keep: new(git.Kept)}
	defer o.Keep.Close()
	lines := bufio.NewScanner(os.Stdin)
	var before, usage syscall.Rusage
	for range 2 {
		began := time.Now()
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
			t.Fatal(err)
		}
		tree, err := o.Open(t.Context(), poll(t, o.Repo))
		if err == nil {
			err = tree.Fetch(context.Background(), "apps/shop")
		}
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		for i := range bigAppFiles {
			data, err := tree.Root.ReadFile(fmt.Sprintf("apps/shop/object-%02d.yaml", i))
			if err == nil && placeholder.IsNotFetched(data) {
				err = fs.ErrNotExist
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			t.Fatal(err)
		}
		cpu := usage.Utime.Nano() + usage.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
		fmt.Printf("fetched %d %d %d\n", took.Nanoseconds(), cpu, usage.Maxrss<<10)
		lines.Scan()
		tree.Close()
	}
}

// onDisk adds up the blocks of all files below dir; a file with many names counts once.
func onDisk(t testing.TB, dir string) (bytes int64) {
	t.Helper()
	seen := map[uint64]bool{}
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok && !seen[s.Ino] {
			seen[s.Ino] = true
			bytes += s.Blocks * 512
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func writeBig(t *testing.T, doc string, rows []bigRow) {
	t.Helper()
	const begin, end = "<!-- measured -->\n", "<!-- end of measured -->\n"
	var table strings.Builder
	for _, when := range []string{"first fetch", "next commit"} {
		fmt.Fprintf(&table, "| %s | requests | bytes from the server | disk | memory | time | processor time |\n|---|---|---|---|---|---|---|\n", when)
		for _, r := range rows {
			s := r.first
			if when == "next commit" {
				s = r.next
			}
			disk := inMB(s.disk)
			if strings.Contains(r.what, "render") {
				disk = "-" // it is removed
			}
			fmt.Fprintf(&table, "| %s | %d | %s | %s | %s | %.2f s | %.2f s |\n", r.what, s.requests, inMB(s.bytes), disk, inMB(s.memory), s.took.Seconds(), s.cpu.Seconds())
		}
		table.WriteString("\n")
	}
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	_, after, found := bytes.Cut(rest, []byte(end))
	if !ok || !found {
		t.Fatalf("%s has no place for the table:\n%s", doc, table.String())
	}
	all := fmt.Sprintf("%s%s%s%s%s", before, begin, strings.TrimSuffix(table.String(), "\n"), end, after)
	if err := os.WriteFile(doc, []byte(all), 0o644); err != nil {
		t.Fatal(err)
	}
}

func inMB(n int64) string {
	if n < 1e5 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
