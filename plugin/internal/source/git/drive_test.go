package git

import (
	"path/filepath"
	"testing"
)

// TestPathsOfWindowsAreDirectories: the letter of a drive is not a host, on whatever system the address is read.
func TestPathsOfWindowsAreDirectories(t *testing.T) {
	for raw, want := range map[string]address{
		`C:\Users\ada\config`:     {scheme: schemeLocal, path: `C:\Users\ada\config`},
		`d:/config`:               {scheme: schemeLocal, path: `d:/config`},
		`file:///C:/Users/config`: {scheme: schemeLocal, path: filepath.FromSlash("C:/Users/config")},
		`file:///srv/config`:      {scheme: schemeLocal, path: filepath.FromSlash("/srv/config")},
		`..\config`:               {scheme: schemeLocal, path: `..\config`},
		`git@c:config`:            {scheme: schemeSSH, user: "git", host: "c", path: "config"},
		`git@host.example:/C:/x`:  {scheme: schemeSSH, user: "git", host: "host.example", path: "/C:/x"},
	} {
		if got, err := parseAddress(raw); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", raw, got, err, want)
		}
	}
	if a, err := parseAddress("c:config"); err == nil {
		t.Errorf("c:config, which is neither, is %+v", a)
	}
}
