package pabulib

import _ "embed"

// Wesola is the participatory budget of Warsaw's district Wesoła for 2023, as published; where it
// comes from stands in testdata/README.md.
//
//go:embed testdata/poland_warszawa_2023_wesola.pb
var Wesola []byte
