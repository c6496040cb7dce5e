//go:build tools

// Package tools names the commands whose dependencies this module pins.
package tools

import _ "github.com/versity/versitygw/cmd/versitygw"
