package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// Limits of what archives unpack to, besides that of Helm's loader, which counts neither headers nor files.
const (
	maxUnpacked = 128 << 20            // bytes of all files of a chart and its subcharts
	maxStream   = maxUnpacked + 32<<20 // bytes of one tar file
	maxEntries  = 20_000               // in it
)

// measure reads an archive to its end and keeps nothing. It refuses what unpacks to too much: Helm's loader reads as many headers as
// there are.
func measure(data []byte) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	bounded := &io.LimitedReader{R: unzipped, N: maxStream + 1}
	entries := 0
	for files := tar.NewReader(bounded); ; entries++ {
		_, err := files.Next()
		switch {
		case bounded.N <= 0:
			return fmt.Errorf("it unpacks to more than %d MiB", maxStream>>20)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case entries == maxEntries:
			return fmt.Errorf("it holds more than %d files", maxEntries)
		}
	}
}
