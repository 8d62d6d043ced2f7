package action

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// localOptions is the command line of bump and of promote.
type localOptions struct {
	command      string
	dir          string
	promote      promotion.Wish
	request      bumper.Request
	paths        []string
	check        bool
	plainSecrets bool
	output       string
}

// runLocal edits the files of a checkout. It never commits and never talks to a network.
func runLocal(command string, args []string, s Streams) int {
	o, err := parseLocal(command, args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(s.Out, usage)
		return ExitOK
	}
	if err != nil {
		printError(s.Err, hint.With(err, "see gitops-action --help"))
		return ExitMisused
	}
	plan, err := o.run()
	if err == nil {
		err = o.print(s.Out, plan)
	}
	if err != nil {
		printError(s.Err, err)
		return ExitFailed
	}
	if o.check && len(plan.Files) > 0 {
		return ExitFailed
	}
	return ExitOK
}

func parseLocal(command string, args []string) (localOptions, error) {
	o := localOptions{command: command}
	var images, values, paths, also repeated
	fset := flag.NewFlagSet(command, flag.ContinueOnError)
	fset.SetOutput(io.Discard)
	fset.StringVar(&o.dir, "dir", ".", "")
	switch command {
	case "promote":
		fset.StringVar(&o.promote.From, "from", "", "")
		fset.StringVar(&o.promote.To, "to", "", "")
		fset.Var(&also, "also", "")
	default:
		fset.Var(&images, "image", "")
		fset.Var(&values, "value", "")
		fset.Var(&paths, "path", "")
	}
	fset.BoolVar(&o.request.AllowDowngrade, "allow-downgrade", false, "")
	fset.BoolVar(&o.plainSecrets, "allow-plain-secrets", false, "")
	fset.BoolVar(&o.check, "check", false, "")
	fset.StringVar(&o.output, "o", "text", "")
	fset.StringVar(&o.output, "output", "text", "")
	if err := fset.Parse(args); err != nil {
		return o, err
	}
	var errs []error
	if fset.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q", fset.Arg(0)))
	}
	if o.output != "text" && o.output != "json" {
		errs = append(errs, fmt.Errorf("output %q is unknown; use text or json", o.output))
	}
	for _, v := range images {
		img, err := bumper.ParseAssignment(v)
		o.request.Images, errs = append(o.request.Images, img), append(errs, err)
	}
	for _, v := range values {
		val, err := bumper.ParseValue(v)
		o.request.Values, errs = append(o.request.Values, val), append(errs, err)
	}
	for _, v := range paths {
		p, err := glob.Clean(v)
		o.paths, errs = append(o.paths, p), append(errs, err)
	}
	for _, v := range also {
		_, err := promotion.ParseAlso(v)
		o.promote.Also, errs = append(o.promote.Also, v), append(errs, err)
	}
	o.promote.Downgrade = o.request.AllowDowngrade
	switch {
	case command == "promote" && o.promote.To == "":
		errs = append(errs, errors.New("nothing to promote: give --to ENV, and --from ENV unless promotion.yaml names the source"))
	case command == "bump" && len(images)+len(values) == 0:
		errs = append(errs, errors.New("nothing to change: give --image NAME=TAG or --value FILE:PATH=VALUE"))
	}
	return o, errors.Join(errs...)
}

func (o localOptions) run() (Plan, error) {
	root, err := os.OpenRoot(o.dir)
	if err != nil {
		return Plan{}, fmt.Errorf("open the checkout: %w", err)
	}
	defer root.Close()
	w := wanted{patterns: o.paths}
	for _, v := range o.request.Values {
		w.extra = append(w.extra, v.File)
	}
	snap, err := readCheckout(root, w)
	if err != nil {
		return Plan{}, err
	}
	plan, err := o.plan(snap)
	if err != nil || o.check {
		return plan, err
	}
	return plan, writeCheckout(root, plan)
}

func (o localOptions) plan(snap *snapshot) (Plan, error) {
	if o.command == "promote" {
		return planPromote(snap, o.promote, o.plainSecrets)
	}
	return planBump(snap, o.request, o.plainSecrets)
}

func (o localOptions) print(w io.Writer, p Plan) error {
	if o.output == "json" {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		out := map[string]any{
			"changed": len(p.Files) > 0, "images": imageList(p.Edits), "edits": editList(p.Edits), "notes": append([]string{}, p.Notes...),
			"left": append([]promotion.Left{}, p.Left...),
		}
		return enc.Encode(out)
	}
	for _, e := range p.Edits {
		fmt.Fprintln(w, display.Log(fmt.Sprintf("%s:%d:%d: %s -> %s", e.File, e.Line, e.Column, e.Old, e.New)))
	}
	for _, n := range p.Notes {
		fmt.Fprintln(w, display.Log("note: "+n))
	}
	for _, line := range p.leftLines() {
		fmt.Fprintln(w, display.Log(line))
	}
	if p.Promoted != nil && p.Promoted.env != nil && p.Promoted.env.Gates != nil {
		fmt.Fprintln(w, "note: the gates of "+p.Promoted.toName+" are not checked here; the action checks them on GitHub")
	}
	switch {
	case len(p.Edits) == 0:
		fmt.Fprintf(w, "already up to date (%s)\n", display.Count(len(p.Current), "reference"))
	case o.check:
		fmt.Fprintf(w, "%s would be made in %s\n", display.Count(len(p.Edits), "edit"), display.Count(len(p.Files), "file"))
	default:
		fmt.Fprintf(w, "%s made in %s\n", display.Count(len(p.Edits), "edit"), display.Count(len(p.Files), "file"))
	}
	return nil
}

// readCheckout reads the YAML below a directory. Symbolic links are not followed, .git is not read.
func readCheckout(root *os.Root, w wanted) (*snapshot, error) {
	snap := newSnapshot()
	err := fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.Type().IsRegular() || !w.has(p) && !w.mayExplain(p):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if w.mayExplain(p) {
			if info.Size() > maxContextFile {
				return nil
			}
			data, err := root.ReadFile(p)
			snap.addContext(p, data)
			return err
		}
		if info.Size() > maxFile {
			snap.skipped = append(snap.skipped, p)
			return nil
		}
		data, err := root.ReadFile(p)
		if err != nil {
			return err
		}
		snap.add(p, "", data)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the checkout: %w", err)
	}
	return snap, nil
}

// writeCheckout replaces files: all new contents are written beside the old ones first, then renamed, so
// that a full disk leaves every file as it was.
func writeCheckout(root *os.Root, p Plan) error {
	names := slices.Sorted(maps.Keys(p.Files))
	var staged []string
	defer func() {
		for _, s := range staged {
			_ = root.Remove(s)
		}
	}()
	for _, name := range names {
		tmp, err := stage(root, name, p.Files[name])
		if tmp != "" {
			staged = append(staged, tmp)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	for i, name := range names {
		if err := root.Rename(staged[i], name); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	staged = nil
	return nil
}

// stage writes the new content into a file beside the old one, with the old one's mode.
func stage(root *os.Root, name string, data []byte) (string, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("not a regular file")
	}
	tmp := path.Join(path.Dir(name), fmt.Sprintf(".%s.gitops-%d", path.Base(name), os.Getpid()))
	f, err := root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	return tmp, err
}
