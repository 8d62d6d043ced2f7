package node

import (
	"encoding/hex"
	"math/rand/v2"
)

// noise returns text that no compression makes smaller than half of it.
func noise(size int) string {
	raw := make([]byte, size/2)
	_, _ = rand.NewChaCha8([32]byte{}).Read(raw)
	return hex.EncodeToString(raw)
}
