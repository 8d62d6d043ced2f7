package node

import (
	"io"
	"net"
	"sync"
)

// Gate is an address that leads to another as long as it is open.
type Gate struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// OpenGate listens on address and forwards every TCP connection to the address to.
func OpenGate(address, to string) (*Gate, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	g := &Gate{listener: l, to: to, conns: map[net.Conn]bool{}}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go g.relay(client)
		}
	}()
	return g, nil
}

// Address is where the gate listens.
func (g *Gate) Address() string { return g.listener.Addr().String() }

// Close cuts every connection and refuses new ones.
func (g *Gate) Close() {
	g.listener.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		c.Close()
	}
}

func (g *Gate) relay(client net.Conn) {
	server, err := net.Dial("tcp", g.to)
	if err != nil {
		client.Close()
		return
	}
	g.mu.Lock()
	g.conns[client], g.conns[server] = true, true
	g.mu.Unlock()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(client, server)
	client.Close()
	server.Close()
	g.mu.Lock()
	delete(g.conns, client)
	delete(g.conns, server)
	g.mu.Unlock()
}
