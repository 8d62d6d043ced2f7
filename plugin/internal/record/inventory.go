package record

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Row is what we know of one object we manage. UID is empty for an object that is about to be created (written
// ahead). Manifest is a keyed hash of the manifest as sent, empty when the object must be applied again. Owned is a
// keyed hash of the fields we own with their values, Metadata of what the metadata alone tells about them; both are
// taken from the apply response.
type Row struct {
	object.Ref
	UID                       types.UID
	ResourceVersion           string
	Generation                int64
	Manifest, Owned, Metadata string
	Adopted                   bool // it existed before we applied it, or nobody knows
	CreateOnly                bool // what becomes of it after it was created is nobody's drift
	Expires                   bool // a Job with a time to live: when it is gone, it has run
	KeepsName                 bool // it refused to have our field manager renamed
	Hides                     bool // it was applied with values that may not be shown, and is no Secret
}

// IsContainer tells whether deleting the object would take along what was never ours: a Namespace or a
// CustomResourceDefinition that existed before, or a definition that apps create where it is missing and share.
func (r Row) IsContainer() bool {
	return IsContainer(r.Ref.Kind) && (r.Adopted || r.CreateOnly && object.IsDefinition(r.Group, r.Ref.Kind.Kind))
}

// IsContainer tells whether deleting an object of a kind deletes further objects: those in a Namespace, or those of the
// kind that a CustomResourceDefinition defines.
func IsContainer(k object.Kind) bool {
	return k.Group == "" && k.Kind == "Namespace" || k.Group == "apiextensions.k8s.io" && k.Kind == "CustomResourceDefinition"
}

// marks is a ninth field, of rows with something special: words joined by commas. Most rows have none.
func (r Row) marks() string {
	var words []string
	for _, m := range []struct {
		set  bool
		word string
	}{{r.Adopted, "adopted"}, {r.CreateOnly, "create-only"}, {r.Expires, "expires"}, {r.KeepsName, "keeps-name"}, {r.Hides, "hides"}} {
		if m.set {
			words = append(words, m.word)
		}
	}
	return strings.Join(words, ",")
}

// mark sets what marks wrote. Words of a later version are none of ours.
func (r *Row) mark(marks string) {
	for word := range strings.SplitSeq(marks, ",") {
		switch word {
		case "adopted":
			r.Adopted = true
		case "create-only":
			r.CreateOnly = true
		case "expires":
			r.Expires = true
		case "keeps-name":
			r.KeepsName = true
		case "hides":
			r.Hides = true
		}
	}
}

// Header is the part of the inventory that says what the rows belong to.
type Header struct {
	App           string              `json:"app"`
	Source        report.Source       `json:"source"`
	Revision      report.Revision     `json:"revision"`               // the commit the rows come from
	Installed     string              `json:"installed,omitempty"`    // the first commit that was applied; empty when it is not known
	Target        string              `json:"target,omitempty"`       // namespace of objects that name none
	PlainSecrets  bool                `json:"plainSecrets,omitempty"` // Secrets with plain data are allowed
	Under         string              `json:"under,omitempty"`        // version of the list of apps that this was saved on top of
	List          string              `json:"list,omitempty"`         // directory of the gitops.yaml that lists the app; "" = none
	Settings      []byte              `json:"settings,omitempty"`     // of an app that is listed: everything gitops.yaml says of it
	Config        string              `json:"config"`                 // digest of the settings that shaped them
	Charts        []Chart             `json:"charts,omitempty"`       // that others depend on and that were fetched
	Trees         []Tree              `json:"trees,omitempty"`        // from elsewhere
	Asked         []string            `json:"asked,omitempty"`        // API versions and kinds that charts asked about in vain
	Unproven      bool                `json:"unproven,omitempty"`     // no run with this source has succeeded yet
	Inputs        *Inputs             `json:"inputs,omitempty"`       // what they were rendered from; nil when it is not known, or they are not all
	Tool          string              `json:"tool"`                   // version that wrote it
	Pending       bool                `json:"pending,omitempty"`      // not everything of Revision is applied, or pruned
	LastApplied   time.Time           `json:"applied,omitzero"`       // when objects were applied last: their budget to become healthy starts
	AllHealthy    bool                `json:"settled,omitempty"`      // everything that the app waits for was Healthy when the run ended
	Health        []health.Rule       `json:"health,omitempty"`       // rules of the app that say how its objects are doing
	Secret        []byte              `json:"key"`                    // key of the hashes
	Shards        int                 `json:"shards"`
	Cluster       string              `json:"cluster,omitempty"`       // uid of the namespace kube-system
	ForeignFields string              `json:"foreignFields,omitempty"` // what happens to fields of others: as in gitops.yaml
	Foreign       map[string]string   `json:"foreign,omitempty"`       // fields of others that were told, by object
	Generated     map[string][]string `json:"generated,omitempty"`     // places of generated values, by object
	Drift         []string            `json:"drift,omitempty"`         // objects that had drifted and were left so, as was told
	Hooks
}

// Inventory is the header and the rows of one app.
type Inventory struct {
	Header
	rows map[object.Key]Row // see rows.go
}

// NewInventory returns an empty inventory of app with a key of its own.
func NewInventory(app string) *Inventory {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return &Inventory{Header: Header{App: app, Secret: key, Shards: 1}, rows: map[object.Key]Row{}}
}

// Hash returns the keyed hash of data, 22 characters: equal data are seen to be equal, nothing else is told.
func (inv *Inventory) Hash(data []byte) string {
	h := hmac.New(sha256.New, inv.Secret)
	h.Write(data)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// Kinds lists the kinds of the rows, sorted.
func (inv *Inventory) Kinds() []object.Kind {
	seen := map[object.Kind]bool{}
	for _, r := range inv.rows {
		seen[r.Ref.Kind] = true
	}
	return slices.SortedFunc(maps.Keys(seen), compareKinds)
}

func compareKinds(a, b object.Kind) int {
	return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Version, b.Version))
}

// Newest returns the highest resourceVersion among the rows, "" when there is none that compares.
func (inv *Inventory) Newest() string {
	var newest uint64
	for _, r := range inv.rows {
		if v, err := strconv.ParseUint(r.ResourceVersion, 10, 64); err == nil {
			newest = max(newest, v)
		}
	}
	if newest == 0 {
		return ""
	}
	return strconv.FormatUint(newest, 10)
}

// Sorted lists the rows by kind, namespace and name.
func (inv *Inventory) Sorted() []Row {
	return slices.SortedFunc(maps.Values(inv.rows), compareRows)
}

func compareRows(a, b Row) int {
	return cmp.Or(compareKinds(a.Ref.Kind, b.Ref.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// rowsPerShard keeps a shard far below the 1 MiB that etcd takes in one object.
const rowsPerShard = 2500

// MaxShards bounds what a damaged header can make us do.
const MaxShards = 1 << 16

// shardCount returns how many shards the rows need. It is a power of two and never shrinks, so that a row changes its
// shard only when the count doubles, and then to a shard that did not exist before.
func (inv *Inventory) shardCount() int {
	n := max(inv.Shards, 1)
	for n*rowsPerShard < len(inv.rows) {
		n *= 2
	}
	return n
}

func shardOf(k object.Key, shards int) int {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%s/%s/%s", k.Group, k.Kind, k.Namespace, k.Name)
	return int(h.Sum32()) & (shards - 1)
}

// Shard is the form of one Secret of the inventory: lines of JSON, kinds as a table.
type Shard struct {
	Header []byte // only in shard 0
	Rows   []byte
	Seal   string // keyed hash of rows: what was edited by hand is not believed
}

// Encode returns the shards that hold the inventory, as many as its rows need.
func (inv *Inventory) Encode() ([]Shard, error) {
	inv.Shards = inv.shardCount()
	shards := make([]Shard, inv.Shards)
	rows := make([][]Row, inv.Shards)
	for _, r := range inv.Sorted() {
		i := shardOf(object.KeyOf(r.Ref), inv.Shards)
		rows[i] = append(rows[i], r)
	}
	for i := range shards {
		shards[i].Rows = encodeRows(rows[i])
		shards[i].Seal = inv.Hash(shards[i].Rows)
	}
	var err error
	shards[0].Header, err = json.Marshal(inv.Header)
	return shards, err
}

func encodeRows(rows []Row) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	var last object.Kind
	for _, r := range rows {
		if k := r.Ref.Kind; k != last {
			enc.Encode([]any{k.Group, k.Version, k.Kind, k.Resource, k.Namespaced})
			last = k
		}
		row := []any{r.Namespace, r.Name, r.UID, r.ResourceVersion, r.Generation, r.Manifest, r.Owned, r.Metadata}
		if marks := r.marks(); marks != "" {
			row = append(row, marks)
		}
		enc.Encode(row)
	}
	enc.Encode([]int{len(rows)})
	return out.Bytes()
}

var errCorrupt = errors.New("the inventory is not readable")

// decodeRows reads what encodeRows wrote: a line of five fields names the kind of the lines of eight that follow, and
// the last line says how many of these there are: half a shard is not a smaller one.
func decodeRows(data []byte, into map[object.Key]Row) error {
	var kind object.Kind
	rows, complete := 0, false
	for n, line := range bytes.Split(data, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		if complete {
			return fmt.Errorf("%w: line %d: after the last one", errCorrupt, n+1)
		}
		var err error
		switch line[len(line)-min(2, len(line))] {
		case '"': // the last field is a hash, or marks
			var r Row
			to := []any{&r.Namespace, &r.Name, &r.UID, &r.ResourceVersion, &r.Generation, &r.Manifest, &r.Owned, &r.Metadata}
			var marks string
			err = scan(line, 8, append(to, &marks)...)
			r.mark(marks)
			r.Ref.Kind = kind
			if err == nil {
				err = r.Check()
			}
			into[object.KeyOf(r.Ref)] = r
			rows++
		case 'e': // true or false
			kind = object.Kind{}
			err = scan(line, 5, &kind.Group, &kind.Version, &kind.Kind, &kind.Resource, &kind.Namespaced)
		default:
			want := -1
			if err = scan(line, 1, &want); err == nil && want != rows {
				err = fmt.Errorf("%d rows of %d", rows, want)
			}
			complete = true
		}
		if err != nil {
			return fmt.Errorf("%w: line %d: %w", errCorrupt, n+1, err)
		}
	}
	if !complete {
		return fmt.Errorf("%w: its end is missing", errCorrupt)
	}
	return nil
}

// scan reads an array of JSON, of at least least elements, into the variables that to points at, one for each element.
func scan(line []byte, least int, to ...any) error {
	elements := slices.Clone(to) // json decodes into the pointers it finds in a slice
	if err := json.Unmarshal(line, &elements); err != nil {
		return err
	}
	if len(elements) < least || len(elements) > len(to) {
		return fmt.Errorf("%d fields of %d", len(elements), len(to))
	}
	return nil
}

// open adds the rows of a shard that is as we left it.
func (inv *Inventory) open(s Shard) error {
	if !hmac.Equal([]byte(s.Seal), []byte(inv.Hash(s.Rows))) {
		return fmt.Errorf("%w: it was edited", errCorrupt)
	}
	return decodeRows(s.Rows, inv.rows)
}

// Decode puts the shards of one app together; a missing or unreadable one is an error, never an empty one.
func Decode(shards map[int]Shard) (*Inventory, error) {
	inv := &Inventory{rows: map[object.Key]Row{}}
	if err := json.Unmarshal(shards[0].Header, &inv.Header); err != nil {
		return nil, fmt.Errorf("%w: header: %w", errCorrupt, err)
	}
	if inv.App == "" || len(inv.Secret) < 16 || inv.Shards < 1 || inv.Shards > MaxShards || inv.Shards&(inv.Shards-1) != 0 {
		return nil, fmt.Errorf("%w: header", errCorrupt)
	}
	for _, run := range inv.Runs {
		if err := run.Ref.Check(); err != nil {
			return nil, fmt.Errorf("%w: hook: %w", errCorrupt, err)
		}
	}
	for i := range inv.Shards {
		s, ok := shards[i]
		if !ok {
			return nil, fmt.Errorf("%w: shard %d of %d is missing", errCorrupt, i, inv.Shards)
		}
		if err := inv.open(s); err != nil {
			return nil, fmt.Errorf("shard %d: %w", i, err)
		}
	}
	// Shards beyond the count were written by a save that doubled it and was cut off: their rows may be new. The count
	// is raised, so that the next save writes them anew.
	count := inv.Shards
	for _, i := range slices.Sorted(maps.Keys(shards)) {
		if i < count {
			continue
		}
		if i >= MaxShards {
			return nil, fmt.Errorf("%w: shard %d", errCorrupt, i)
		}
		if err := inv.open(shards[i]); err != nil {
			return nil, fmt.Errorf("shard %d: %w", i, err)
		}
		for inv.Shards <= i {
			inv.Shards *= 2
		}
	}
	return inv, nil
}
