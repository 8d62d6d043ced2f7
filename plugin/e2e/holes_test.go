package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/proxy"
)

// The tests TestHole... and the scripts hole_... are about the holes of a look at metadata only: what it could miss,
// or take for something else. Here are those that need more than a script.

var secretResource = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}

// holeSite is a site with these ConfigMaps applied, each with the key a.
func holeSite(t *testing.T, name string, configMaps ...string) *site {
	t.Helper()
	s, err := newSite(t, name)
	if err != nil {
		t.Fatal(err)
	}
	s.mustCommit(t, configMaps...)
	s.mustSucceed(t)
	return s
}

func configMap(name string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q},"data":{"a":"in-git"}}`, name)
}

// mustCommit makes these ConfigMaps all that Git holds.
func (s *site) mustCommit(t *testing.T, configMaps ...string) {
	t.Helper()
	var texts []string
	for _, name := range configMaps {
		texts = append(texts, configMap(name))
	}
	if err := s.commit("set "+strings.Join(configMaps[:min(len(configMaps), 5)], " ")+"\n\nGitops-Allow-Deletions: 100", texts...); err != nil {
		t.Fatal(err)
	}
}

func (s *site) mustSucceed(t *testing.T) result {
	t.Helper()
	r := s.reconcile()
	if r.code != 0 {
		t.Fatal(r)
	}
	return r
}

func (s *site) patchMap(t *testing.T, name, body string) {
	t.Helper()
	_, err := s.kind("ConfigMap").Patch(context.Background(), name, types.MergePatchType, []byte(body), metav1.PatchOptions{FieldManager: "ada"})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) valueOf(t *testing.T, name string) string {
	t.Helper()
	u, err := s.kind("ConfigMap").Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	data, _ := u.Object["data"].(map[string]any)
	a, _ := data["a"].(string)
	return a
}

// versions are the resourceVersions of all ConfigMaps of the app, and that of the list.
func (s *site) versions(t *testing.T) (of map[string]string, list string) {
	t.Helper()
	items, err := s.kind("ConfigMap").List(context.Background(), metav1.ListOptions{LabelSelector: labelPartOf})
	if err != nil {
		t.Fatal(err)
	}
	of = map[string]string{}
	for _, u := range items.Items {
		of[u.GetName()] = u.GetResourceVersion()
	}
	return of, items.GetResourceVersion()
}

// sent lists the requests of this verb for ConfigMaps of the app's namespaces.
func (s *site) sent(verb string) []proxy.Request {
	var out []proxy.Request
	for _, r := range s.proxy.Requests() {
		if r.Resource == "configmaps" && r.Verb == verb && r.Namespace != s.instance {
			out = append(out, r)
		}
	}
	return out
}

func memberList(r proxy.Request) bool {
	return r.Verb == "list" && r.Resource == "configmaps" && r.MetadataOnly
}

// The fields of a row of the inventory that tests change.
const (
	rowName     = 1
	rowVersion  = 3
	rowManifest = 5
	rowOwned    = 6
	rowMetadata = 7
)

// inventory calls edit for each row of the inventory, and writes what it leaves.
func (s *site) inventory(t *testing.T, edit func(row []any)) {
	t.Helper()
	ctx := context.Background()
	secrets := s.client.Resource(secretResource).Namespace(s.instance)
	u, err := secrets.Get(ctx, "gitops-app-inventory", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	data := u.Object["data"].(map[string]any)
	raw, err := base64.StdEncoding.DecodeString(data["rows"].(string))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for line := range bytes.Lines(raw) {
		var row []any
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&row); err != nil {
			t.Fatal(err)
		}
		if len(row) >= 8 {
			edit(row)
			line = append([]byte(jsonOf(row)), '\n')
		}
		out.Write(line)
	}
	data["rows"] = base64.StdEncoding.EncodeToString(out.Bytes())
	data["seal"] = base64.StdEncoding.EncodeToString(seal(t, data["header"].(string), out.Bytes()))
	if _, err := secrets.Update(ctx, u, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// seal is what an inventory with this header says of rows that are as they were left.
func seal(t *testing.T, header string, rows []byte) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(header)
	var h struct{ Key []byte }
	if err == nil {
		err = json.Unmarshal(raw, &h)
	}
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, h.Key)
	mac.Write(rows)
	return []byte(base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16]))
}

// TestHole17RequestsPerNamespace: who may not list the whole cluster makes one list for each kind and namespace that
// holds objects of the app, and a loop asks for the whole cluster only once.
func TestHole17RequestsPerNamespace(t *testing.T) {
	t.Parallel()
	s, err := newSite(t, "hole-17")
	if err != nil {
		t.Fatal(err)
	}
	two, user := s.ns+"-two", "deployer-"+s.ns
	for _, args := range [][]string{{"create", "namespace", two}, {"create", "namespace", s.instance}, {"create", "namespace", s.ns + "-unused"},
		{"create", "rolebinding", "r", "--clusterrole=admin", "--user=" + user, "-n", s.instance},
		{"create", "rolebinding", "r", "--clusterrole=edit", "--user=" + user, "-n", s.ns},
		{"create", "rolebinding", "r", "--clusterrole=edit", "--user=" + user, "-n", two}} {
		if out, err := kubectl(s, args...); err != nil {
			t.Fatal(out)
		}
	}
	object := `{"apiVersion":"v1","kind":%q,"metadata":{"name":%q,"namespace":%q}}`
	texts := []string{configMap("a"), configMap("b"), configMap("c"), fmt.Sprintf(object, "ConfigMap", "d", two),
		fmt.Sprintf(object, "ServiceAccount", "one", s.ns), fmt.Sprintf(object, "ServiceAccount", "two", two)}
	if err := s.commit("two kinds in two namespaces", texts...); err != nil {
		t.Fatal(err)
	}
	s.use(t, user)
	if err := eventually(func() error { return s.succeed("with rights in two namespaces") }); err != nil {
		t.Fatal(err)
	}

	s.proxy.Reset()
	s.mustSucceed(t)
	const pairs, kinds = 4, 2
	if lists, refused := s.lists(); lists != pairs || refused > kinds {
		t.Errorf("%d lists and %d refused ones, want %d and at most %d:\n%s", lists, refused, pairs, kinds, s.trace())
	}
	if gets := len(s.sent("get")); gets != 0 {
		t.Errorf("%d objects were read one by one:\n%s", gets, s.trace())
	}

	s.proxy.Reset()
	cmd, ended := s.command(append(s.reconcileArgs(), "--interval", "5s")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"once", "twice"} {
		err := eventually(func() error {
			if n := len(s.sent("watch")); n < 2 {
				return fmt.Errorf("%d watches of ConfigMaps, want one in each namespace", n)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		s.patchMap(t, "a", `{"data":{"a":"`+value+`"}}`)
		if err := eventually(func() error {
			if v := s.valueOf(t, "a"); v != "in-git" {
				return fmt.Errorf("a is %s", v)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	texts[0] = strings.ReplaceAll(texts[0], "in-git", "newer") // a commit makes the loop list everything again
	if err := s.commit("another value", texts...); err != nil {
		t.Fatal(err)
	}
	if err := eventually(func() error {
		if v := s.valueOf(t, "a"); v != "newer" {
			return fmt.Errorf("a is %s", v)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	r := ended(cmd.Wait())
	if lists, refused := s.lists(); refused != kinds || lists < 2*pairs {
		t.Errorf("%d lists, and %d were refused in a loop, want %d:\n%s%s", lists, refused, kinds, s.trace(), r)
	}
}

// lists counts the lists of members that were answered, and those that were refused.
func (s *site) lists() (answered, refused int) {
	for _, r := range s.proxy.Requests() {
		switch {
		case r.Verb != "list" || !r.MetadataOnly:
		case r.Status == http.StatusOK:
			answered++
		default:
			refused++
		}
	}
	return answered, refused
}

func (s *site) trace() string {
	var out strings.Builder
	for _, r := range s.proxy.Requests() {
		fmt.Fprintln(&out, r)
	}
	return out.String()
}

// use makes the plugin run as a user who has only the rights that RBAC gives.
func (s *site) use(t *testing.T, user string) {
	t.Helper()
	direct, err := shared.cluster.KubeconfigFor(user)
	if err != nil {
		t.Fatal(err)
	}
	as, err := clientcmd.BuildConfigFromFlags("", direct)
	if err != nil {
		t.Fatal(err)
	}
	if err := clientcmd.WriteToFile(*kube.NewKubeconfig(s.proxy.Host(), s.proxy.CA(), as.BearerToken, s.ns), s.kubeconfig); err != nil {
		t.Fatal(err)
	}
}

// TestHole18OneNamespace: a list of a whole cluster makes the server look at every object of the kind. Where the app
// has objects of a kind in one namespace only, only that is listed.
func TestHole18OneNamespace(t *testing.T) {
	t.Parallel()
	s := holeSite(t, "hole-18", "a", "b")
	if err := s.idle(); err != nil {
		t.Fatal(err)
	}
	lists := s.sent("list")
	if len(lists) != 1 || lists[0].Namespace != s.ns {
		t.Errorf("want one list, of the namespace %s:\n%s", s.ns, s.trace())
	}
}

// TestHole19StaleLists: a list of a server that lags behind is answered only when it has seen our last write; and
// before an object counts as missing, or is pruned, a consistent list is asked.
func TestHole19StaleLists(t *testing.T) {
	t.Parallel()
	s := holeSite(t, "hole-19", "a")
	_, before := s.versions(t)
	s.mustCommit(t, "a", "b")
	s.mustSucceed(t)
	if err := s.idle(); err != nil {
		t.Fatal(err)
	}
	of, _ := s.versions(t)
	lists := s.sent("list")
	if len(lists) != 1 || lists[0].Query.Get("resourceVersionMatch") != "NotOlderThan" || lists[0].Query.Get("resourceVersion") != of["b"] {
		t.Errorf("want one list not older than our last write, %s:\n%s", of["b"], s.trace())
	}

	// A server that answers as it was before b was created: b is not created again.
	s.staleLists(before)
	if err := s.idle(); err != nil {
		t.Error(err)
	}
	if n := len(s.sent("list")); n != 2 {
		t.Errorf("%d lists, want a second, consistent one:\n%s", n, s.trace())
	}

	// A server that has not seen yet that somebody wants to keep b: b is kept all the same.
	_, before = s.versions(t)
	s.staleLists(before)
	s.patchMap(t, "b", `{"metadata":{"annotations":{"kubectl-gitops.dev/prune":"disabled"}}}`)
	s.mustCommit(t, "a")
	if r := s.mustSucceed(t); !strings.Contains(r.stdout, "configmap/b skipped") {
		t.Errorf("b should have been kept: %s", r)
	}
	s.valueOf(t, "b")
}

// staleLists makes the server answer all lists that need not be consistent as of version.
func (s *site) staleLists(version string) {
	s.proxy.SetHook(func(_ int, r proxy.Request) proxy.Action {
		if !memberList(r) || r.Query.Get("resourceVersionMatch") != "NotOlderThan" {
			return proxy.Action{}
		}
		return proxy.Action{Rewrite: func(r *http.Request) {
			q := r.URL.Query()
			q.Set("resourceVersion", version)
			q.Set("resourceVersionMatch", "Exact")
			r.URL.RawQuery = q.Encode()
		}}
	})
}

// TestHole20And26ManyObjects: an inventory of more objects than fit into one Secret of a safe size is spread over
// several; lists come in pages, and a page that fails makes nothing look missing.
func TestHole20And26ManyObjects(t *testing.T) {
	t.Parallel()
	var names []string
	for n := range 3001 {
		names = append(names, fmt.Sprintf("object-%04d", n))
	}
	s := holeSite(t, "hole-20", names...)

	secrets, err := s.client.Resource(secretResource).Namespace(s.instance).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, u := range secrets.Items {
		rows, _ := u.Object["data"].(map[string]any)["rows"].(string)
		size += len(rows)
		if len(rows) > 700_000 {
			t.Errorf("%s is %d bytes long; etcd takes 1 MiB", u.GetName(), len(rows))
		}
	}
	if len(secrets.Items) != 2 {
		t.Errorf("%d Secrets for 3001 objects, want 2", len(secrets.Items))
	}
	t.Logf("%d bytes of base64 per object", size/len(names))

	if err := s.idle(); err != nil {
		t.Fatal(err)
	}
	if n := len(s.sent("list")); n != 2 {
		t.Errorf("%d lists, want two pages:\n%s", n, s.trace())
	}
	secondPage := func(r proxy.Request) bool { return memberList(r) && r.Query.Get("continue") != "" }

	s.proxy.SetHook(proxy.Nth(0, secondPage, proxy.Action{Status: http.StatusGone}))
	if err := s.idle(); err != nil {
		t.Error(err)
	}
	lists := s.sent("list")
	if last := lists[len(lists)-1]; len(lists) != 3 || last.Query.Get("limit") != "" || last.Query.Get("continue") != "" {
		t.Errorf("want a page, an expired one, and all in one piece:\n%s", s.trace())
	}

	s.proxy.SetHook(proxy.Nth(0, secondPage, proxy.Action{Status: http.StatusForbidden}))
	s.mustCommit(t, names[:2990]...)
	s.proxy.Reset()
	if r := s.reconcile(); r.code == 0 {
		t.Errorf("half a list was enough: %s", r)
	}
	for _, r := range s.proxy.Requests() {
		if r.Write() && r.Namespace == s.ns {
			t.Errorf("wrote without a whole list: %s", r)
		}
	}
	s.proxy.SetHook(nil)
	r := s.mustSucceed(t)
	if !strings.Contains(r.stdout, "11 pruned") {
		t.Errorf("want 11 pruned: %s", r)
	}
}

// TestHole21SelectorIgnored: some aggregated API servers ignore label selectors and list everything. A stranger is
// neither taken for ours nor pruned, not even when the inventory is rebuilt from such a list.
func TestHole21SelectorIgnored(t *testing.T) {
	t.Parallel()
	s := holeSite(t, "hole-21", "a", "b")
	if out, err := kubectl(s, "create", "configmap", "stranger", "--from-literal=a=theirs"); err != nil {
		t.Fatal(out)
	}
	s.proxy.SetHook(proxy.Nth(0, memberList, proxy.Action{Rewrite: func(r *http.Request) {
		q := r.URL.Query()
		q.Del("labelSelector")
		r.URL.RawQuery = q.Encode()
	}}))
	if err := s.idle(); err != nil {
		t.Error(err)
	}
	if err := s.client.Resource(secretResource).Namespace(s.instance).Delete(context.Background(), "gitops-app-inventory", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.mustSucceed(t)
	s.mustCommit(t, "a")
	s.mustSucceed(t)
	if r := s.mustSucceed(t); strings.Contains(r.stdout, "stranger") {
		t.Error(r)
	}
	if got := s.valueOf(t, "stranger"); got != "theirs" {
		t.Errorf("the stranger holds %q", got)
	}
	if err := s.equalsGit(); err != nil {
		t.Error(err)
	}
}

// TestHole22RestoredEtcd: a server that was restored from an older backup counts resourceVersions from there on again,
// so none that is recorded proves anything. All values are compared, once. Here the record is moved ahead instead.
func TestHole22RestoredEtcd(t *testing.T) {
	t.Parallel()
	s := holeSite(t, "hole-22", "a", "b", "c")
	s.patchMap(t, "b", `{"data":{"a":"by hand"}}`)
	of, _ := s.versions(t)
	restored := func() {
		s.inventory(t, func(row []any) {
			row[rowVersion] = of[row[rowName].(string)] // the version of the edited b is as good as recorded
			if row[rowName] == "a" {
				row[rowVersion] = "999999999999"
			}
		})
	}
	restored()
	if r := s.mustSucceed(t); !strings.Contains(r.stdout, "configmap/b reverted") || strings.Contains(r.stdout, "configmap/c") {
		t.Errorf("want b reverted: %s", r)
	}
	if got := s.valueOf(t, "b"); got != "in-git" {
		t.Errorf("b is %s", got)
	}
	of, _ = s.versions(t)
	restored()
	s.mustSucceed(t)
	if now, _ := s.versions(t); fmt.Sprint(now) != fmt.Sprint(of) {
		t.Errorf("versions %v, want %v: nothing was to be done", now, of)
	}
	if err := s.idle(); err != nil {
		t.Error(err)
	}
	if lists := s.sent("list"); len(lists) != 1 || len(s.sent("get")) > 0 {
		t.Errorf("the values were compared more than once:\n%s", s.trace())
	}
}

// TestHole23UpgradedServer: after an upgrade that spells what it stores in another way, every object may look changed.
// Each is applied once, sixteen at a time, which changes no object and is not called drift.
func TestHole23UpgradedServer(t *testing.T) {
	t.Parallel()
	var names []string
	for n := range 60 {
		names = append(names, fmt.Sprintf("object-%02d", n))
	}
	s := holeSite(t, "hole-23", names...)
	of, _ := s.versions(t)
	s.inventory(t, func(row []any) {
		row[rowVersion], row[rowOwned], row[rowMetadata] = "1", strings.Repeat("x", 22), strings.Repeat("y", 22)
	})
	var now, most, all atomic.Int64
	s.proxy.SetHook(func(_ int, r proxy.Request) proxy.Action {
		if r.Verb != "patch" || r.Namespace != s.ns {
			return proxy.Action{}
		}
		return proxy.Action{
			Before: func() { all.Add(1); most.Store(max(most.Load(), now.Add(1))) },
			After:  func() { now.Add(-1) },
		}
	})
	r := s.mustSucceed(t)
	if strings.Contains(r.stdout, "reverted") || !strings.Contains(r.stdout, "60 unchanged") {
		t.Errorf("want 60 unchanged: %s", r)
	}
	if all.Load() != 60 || most.Load() > 16 {
		t.Errorf("%d objects were applied, up to %d at once; want 60, up to 16", all.Load(), most.Load())
	}
	if after, _ := s.versions(t); fmt.Sprint(after) != fmt.Sprint(of) {
		t.Error("objects were changed")
	}
	if err := s.idle(); err != nil {
		t.Error(err)
	}
}

// TestHole27DigestsAreKeyed: a plain hash of a short password can be guessed. Hashes are keyed, with a key of each
// inventory, and kept in a Secret: the same Secret applied for a new inventory has other hashes, and what everybody can
// read holds none.
func TestHole27DigestsAreKeyed(t *testing.T) {
	t.Parallel()
	s, err := newSite(t, "hole-27")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := s.commit("a password", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"login"},"stringData":{"password":"abc"}}`); err != nil {
		t.Fatal(err)
	}
	hashes := func() (out []string) {
		if r := s.plugin(append(s.reconcileArgs(), "--allow-plain-secrets")...); r.code != 0 {
			t.Fatal(r)
		}
		s.inventory(t, func(row []any) {
			for _, n := range []int{rowManifest, rowOwned, rowMetadata} {
				out = append(out, row[n].(string))
			}
		})
		return out
	}
	one := hashes()
	parent, err := s.client.Resource(s.resources()["ConfigMap"]).Namespace(s.instance).Get(ctx, "gitops-app", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range one {
		if len(h) != 22 || strings.Contains(jsonOf(parent.Object), h) {
			t.Errorf("the hash %q is short, or in the readable record", h)
		}
	}
	if err := s.client.Resource(secretResource).Namespace(s.instance).Delete(ctx, "gitops-app-inventory", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for i, h := range hashes() {
		if h == one[i] {
			t.Errorf("hash %d is %s again, with a new key", i, h)
		}
	}
}

// TestHole29TwoReconcilers: a run that was overtaken by another one with a newer commit does not bring back what that
// one has pruned.
func TestHole29TwoReconcilers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		before func(s *site)
	}{
		{"an object that it is about to revert", func(s *site) { s.patchMap(t, "b", `{"data":{"a":"by hand"}}`) }},
		{"an object that it is about to create again", func(s *site) {
			if err := s.kind("ConfigMap").Delete(context.Background(), "b", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		s := holeSite(t, "hole-29", "a", "b")
		test.before(s)
		var other result
		s.atFirstWrite(func() {
			if err := s.commit("without b", configMap("a")); err != nil {
				t.Error(err)
			}
			other = s.reconcile()
		})
		r := s.reconcile()
		if other.code != 0 || r.code != 1 || !strings.Contains(r.stderr, "another reconciler is at work on this app") {
			t.Errorf("%s: the overtaken run: %s\nthe other: %s", test.name, r, other)
		}
		s.proxy.SetHook(nil)
		s.mustSucceed(t)
		if err := s.equalsGit(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}

	// Where it is only a person who deletes in this moment, the same run makes the object anew.
	s := holeSite(t, "hole-29", "a", "b")
	s.patchMap(t, "b", `{"data":{"a":"by hand"}}`)
	s.atFirstWrite(func() {
		if err := s.kind("ConfigMap").Delete(context.Background(), "b", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	s.mustSucceed(t)
	if err := s.equalsGit(); err != nil {
		t.Error(err)
	}
	if err := s.idle(); err != nil {
		t.Error(err)
	}
}

// atFirstWrite calls do when the next write of the plugin arrives, before the server sees it.
func (s *site) atFirstWrite(do func()) {
	s.proxy.SetHook(proxy.Nth(1, proxy.Request.Write, proxy.Action{Before: do}))
}
