// Package node adds a real node to the control plane of package kube: Debian's containerd and runc, the kubelet built
// from its Go module, and images that are imported from files. With it containers run, with their own service account,
// network, file system and limits.
//
// All of it lives in Linux namespaces of its own (see Enter), so the machine keeps no process, mount, address or sysctl
// of it, however the test ends. It needs Linux, root and three Debian packages; Missing says what is not there.
//
// It does NOT run a scheduler, kube-proxy or DNS: a pod runs here when its spec.nodeName is Name, and the stand-in of
// package kube takes care of all others; the only service address that works is the API server's.
package node

// Name is the name of the node, and the address at which the API server reaches its kubelet.
const Name = "127.0.0.1"

// HostAddress is an address of the machine's side that pods reach, for servers that are not part of the cluster.
const HostAddress = "10.0.0.2"

const cgroups = "/sys/fs/cgroup"
