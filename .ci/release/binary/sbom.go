package binary

import (
	"encoding/json"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// The part of SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/) that a bill of materials of Go modules needs.
type spdxDocument struct {
	Version       string             `json:"spdxVersion"`
	DataLicense   string             `json:"dataLicense"`
	ID            string             `json:"SPDXID"`
	Name          string             `json:"name"`
	Namespace     string             `json:"documentNamespace"`
	Creation      spdxCreation       `json:"creationInfo"`
	Packages      []spdxPackage      `json:"packages"`
	Relationships []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID               string         `json:"SPDXID"`
	Name             string         `json:"name"`
	VersionInfo      string         `json:"versionInfo,omitempty"`
	DownloadLocation string         `json:"downloadLocation"`
	FilesAnalyzed    bool           `json:"filesAnalyzed"`
	LicenseConcluded string         `json:"licenseConcluded"`
	LicenseDeclared  string         `json:"licenseDeclared"`
	CopyrightText    string         `json:"copyrightText"`
	Checksums        []spdxChecksum `json:"checksums,omitempty"`
	ExternalRefs     []spdxRef      `json:"externalRefs"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

const noAssertion = "NOASSERTION" // the licences of dependencies are not in a binary

// BillOfMaterials lists the modules that the linker put into the binary, as SPDX 2.3 JSON. It says nothing that is not
// in the binary, so it is as reproducible.
func (b Binary) BillOfMaterials() ([]byte, error) {
	digest := b.Digest()
	doc := spdxDocument{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT",
		Name:      b.Program + "-" + b.Version + "-" + b.Platform.String(),
		Namespace: "https://" + Module + "/spdx/" + digest,
		Creation:  spdxCreation{Created: b.Time.Format(time.RFC3339), Creators: []string{"Tool: " + Module + "/.ci/release"}},
	}
	main := newPackage("SPDXRef-main", Module, b.Version)
	main.LicenseConcluded, main.LicenseDeclared = "Apache-2.0", "Apache-2.0"
	main.Checksums = []spdxChecksum{{Algorithm: "SHA256", Value: digest}}
	doc.Packages = append(doc.Packages, main,
		newPackage("SPDXRef-stdlib", "stdlib", strings.TrimPrefix(b.Info.GoVersion, "go")))
	for i, dep := range b.Info.Deps {
		used := effective(dep)
		doc.Packages = append(doc.Packages, newPackage("SPDXRef-module-"+strconv.Itoa(i), used.Path, used.Version))
	}
	doc.Relationships = []spdxRelationship{{doc.ID, "DESCRIBES", main.ID}}
	for _, p := range doc.Packages[1:] {
		doc.Relationships = append(doc.Relationships, spdxRelationship{main.ID, "DEPENDS_ON", p.ID})
	}
	text, err := json.MarshalIndent(doc, "", " ")
	return append(text, '\n'), err
}

func newPackage(id, path, version string) spdxPackage {
	return spdxPackage{
		ID: id, Name: path, VersionInfo: version,
		DownloadLocation: noAssertion, LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, CopyrightText: noAssertion,
		ExternalRefs: []spdxRef{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")}},
	}
}

// effective is the module whose code was compiled.
func effective(m *debug.Module) *debug.Module {
	if m.Replace != nil {
		return m.Replace
	}
	return m
}
