package target

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sources"
)

func TestSharedTrees(t *testing.T) {
	s := &sharedTrees{trees: map[string]*sharedTree{}}
	var opened, closed atomic.Int32
	open := func() (sources.Tree, error) {
		opened.Add(1)
		return sources.Tree{Close: func() { closed.Add(1) }}, nil
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			tree, err := s.get(t.Context(), "one", open)
			if err != nil {
				t.Error(err)
				return
			}
			tree.Close()
		})
	}
	all.Wait()
	if opened.Load() != 1 || closed.Load() != 0 {
		t.Errorf("opened %d times, closed %d", opened.Load(), closed.Load())
	}
	held, err := s.get(t.Context(), "one", open)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxShared + 3 {
		tree, err := s.get(t.Context(), fmt.Sprint(i), open)
		if err != nil {
			t.Fatal(err)
		}
		tree.Close()
	}
	if got := closed.Load(); got != 4 { // eight of twelve stay, and among them the one that is read
		t.Errorf("closed %d", got)
	}
	held.Close()
	s.close()
	if opened.Load() != closed.Load() {
		t.Errorf("opened %d, closed %d", opened.Load(), closed.Load())
	}
}

func TestSharedTreeThatFails(t *testing.T) {
	s := &sharedTrees{trees: map[string]*sharedTree{}}
	if _, err := s.get(t.Context(), "a", func() (sources.Tree, error) { return sources.Tree{}, errors.New("away") }); err == nil || err.Error() != "away" {
		t.Error(err)
	}
	begun, end := make(chan bool), make(chan bool)
	first := make(chan error)
	go func() {
		_, err := s.get(t.Context(), "a", func() (sources.Tree, error) {
			close(begun)
			<-end
			return sources.Tree{}, context.DeadlineExceeded
		})
		first <- err
	}()
	<-begun
	second := make(chan error)
	go func() {
		_, err := s.get(t.Context(), "a", func() (sources.Tree, error) { return sources.Tree{Close: func() {}}, nil })
		second <- err
	}()
	close(end)
	if err := <-first; !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
	s.close()
}
