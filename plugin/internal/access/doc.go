// Package access says which server is asked for an address, and with which credentials: mirrors.yaml, and the keys of Secrets.
//
// It asks no server, and knows neither Helm, registries nor Git. A credential is given out for the host that it is for and for no other.
package access
