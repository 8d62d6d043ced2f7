package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// Metadata comes as protobuf, a tenth of the size of the objects as JSON. A server of an aggregated API may not speak
// protobuf; it then answers in JSON.
const acceptMetadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1," +
	"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

// pageSize bounds the objects of one answer where the caller expects many: it keeps memory flat, and costs requests.
const pageSize = 2500

// Read says how fresh a list must be, and how large it may become.
type Read struct {
	// NotOlderThan is a resourceVersion: the server may answer from its cache once the cache has reached it. "" asks for a
	// consistent read, which can wait up to 100 ms on a busy server.
	NotOlderThan string
	// Many reads the list in pages of 2,500 objects, so that memory stays flat.
	Many bool
}

// ErrRewound means that the server has not reached the resourceVersion of Read.NotOlderThan: it was restored from a backup
// that is older than the record.
var ErrRewound = errors.New("the API server's state is older than the record")

// ListMetadata returns the metadata of the objects of a kind that have the labels of selector, and the resourceVersion from
// which a watch can continue. An empty namespace stands for all namespaces. It returns all objects or an error, never a part:
// when the pages expire, it reads the list once more in one piece. The error is ErrRewound when the server is older than
// read.NotOlderThan.
func (c *Client) ListMetadata(ctx context.Context, k Kind, namespace, selector string, read Read) ([]metav1.PartialObjectMetadata, string, error) {
	items, version, err := c.listPages(ctx, k, namespace, selector, read)
	if read.Many && apierrors.IsResourceExpired(err) {
		read.Many = false
		items, version, err = c.listPages(ctx, k, namespace, selector, read)
	}
	if tooLarge(err) {
		return nil, "", ErrRewound
	}
	if err != nil {
		return nil, "", fmt.Errorf("list %s: %w", k.Resource, err)
	}
	return items, version, nil
}

func (c *Client) listPages(ctx context.Context, k Kind, namespace, selector string, read Read) ([]metav1.PartialObjectMetadata, string, error) {
	var items []metav1.PartialObjectMetadata
	for next := ""; ; {
		raw, _, err := c.ask(ctx, in(k, namespace), func(path string) *rest.Request {
			q := c.rest.Get().AbsPath(path).SetHeader("Accept", acceptMetadata).Param("labelSelector", selector)
			if read.Many {
				q.Param("limit", strconv.Itoa(pageSize))
			}
			switch {
			case next != "":
				q.Param("continue", next)
			case read.NotOlderThan != "":
				q.Param("resourceVersion", read.NotOlderThan).Param("resourceVersionMatch", string(metav1.ResourceVersionMatchNotOlderThan))
			}
			return q
		})
		if err != nil {
			return nil, "", err
		}
		var list metav1.PartialObjectMetadataList
		if err := decodeMetadata(raw, &list); err != nil {
			return nil, "", err
		}
		if items == nil {
			items = list.Items
		} else {
			items = append(items, list.Items...)
		}
		if next = list.Continue; next == "" {
			return items, list.ResourceVersion, nil
		}
	}
}

// protobufPrefix starts every protobuf message of the API server; a runtime.Unknown that wraps the object follows.
var protobufPrefix = []byte("k8s\x00")

func decodeMetadata(raw []byte, into *metav1.PartialObjectMetadataList) error {
	wrapped, isProtobuf := bytes.CutPrefix(raw, protobufPrefix)
	if !isProtobuf {
		return json.Unmarshal(raw, into)
	}
	var unknown runtime.Unknown
	if err := unknown.Unmarshal(wrapped); err != nil {
		return err
	}
	return into.Unmarshal(unknown.Raw)
}

// Namespaces returns the names of all namespaces. The result is empty when the user may not list them.
func (c *Client) Namespaces(ctx context.Context) []string {
	items, _, err := c.ListMetadata(ctx, Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}, "", "", Read{})
	if err != nil {
		return nil
	}
	var names []string
	for _, ns := range items {
		names = append(names, ns.Name)
	}
	return names
}
