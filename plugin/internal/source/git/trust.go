package git

import (
	"fmt"
	"io"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// verify tells who signed a commit, or the annotated tag that stands for it.
func (r Repo) verify(s storer.EncodedObjectStorer, c *object.Commit, tag plumbing.Hash) (string, error) {
	if r.Trust == nil {
		return "", nil
	}
	signer, err := verifySigned(r.Trust, c, c.PGPSignature, c.Committer.When)
	if err == nil {
		return signer, nil
	}
	if t, tagErr := object.GetTag(s, tag); tagErr == nil && t.TargetType == plumbing.CommitObject && t.Target == c.Hash {
		if signer, tagErr = verifySigned(r.Trust, t, t.PGPSignature, t.Tagger.When); tagErr == nil {
			return signer, nil
		}
		err = fmt.Errorf("%w, and of its tag %s: %w", err, safetext.Line(t.Name), tagErr)
	}
	return "", hint.With(&source.UntrustedError{Commit: c.Hash.String(), Err: err}, "sign it with a key that is listed, or list the key (--allowed-signers-file, --openpgp-keyring-file)")
}

// signed is a commit or a tag.
type signed interface {
	EncodeWithoutSignature(plumbing.EncodedObject) error
}

func verifySigned(trust Verifier, o signed, signature string, at time.Time) (string, error) {
	plain := new(plumbing.MemoryObject)
	if err := o.EncodeWithoutSignature(plain); err != nil {
		return "", err
	}
	reader, err := plain.Reader()
	if err != nil {
		return "", err
	}
	payload, err := io.ReadAll(reader)
	if err != nil {
		return "", err
	}
	return trust.Verify(payload, signature, at)
}

// tag is the annotated tag that ref is; zero when it is none.
func (l *local) tag(ref string) plumbing.Hash {
	for _, name := range tagCandidates(ref) {
		found, err := storer.ResolveReference(l.objects, plumbing.ReferenceName(name))
		if err != nil {
			continue
		}
		if _, err := object.GetTag(l.objects, found.Hash()); err == nil {
			return found.Hash()
		}
		break
	}
	return plumbing.ZeroHash
}
