package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// The shortest secret, line of a secret and encoded secret that are looked
// for: what is shorter would blot out half of every report.
const (
	minSecret  = 3
	minLine    = 8
	minEncoded = 6
)

// formsOf lists the texts by which a secret is recognized.
func formsOf(secret string) []string {
	secret = strings.TrimRight(secret, "\r\n")
	if len(secret) < minSecret {
		return nil
	}
	forms := append(encodings(secret), wrapped(secret)...)
	if !strings.Contains(secret, "\n") {
		return forms
	}
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); len(line) >= minLine {
			forms = append(forms, encodings(line)...)
		}
	}
	return forms
}

func encodings(secret string) []string {
	forms := append([]string{secret}, quotations(secret)...)
	forms = append(forms, escapes(secret)...)
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset := range 3 {
			if inner := aligned(alphabet, secret, offset); len(inner) >= minEncoded {
				forms = append(forms, inner)
			}
		}
	}
	return forms
}

// quotations are what stands between the quotation marks when a program prints
// a text as JSON, as a string of Go or HCL, in a shell's trace, or as HTML.
func quotations(secret string) []string {
	quoted := strconv.Quote(secret)
	quoted = quoted[1 : len(quoted)-1]
	plain := jsonText(secret, false)
	return []string{
		quoted, strings.NewReplacer("${", "$${", "%{", "%%{").Replace(quoted),
		plain, jsonText(secret, true), asciiJSON(plain), strings.ReplaceAll(plain, "/", `\/`),
		strings.ReplaceAll(secret, `'`, `'\''`), strings.ReplaceAll(secret, `'`, `'"'"'`),
		html.EscapeString(secret),
	}
}

func jsonText(s string, escapeHTML bool) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(escapeHTML)
	_ = encoder.Encode(s) // a string can always be encoded
	text := strings.TrimSuffix(b.String(), "\n")
	return text[1 : len(text)-1]
}

// asciiJSON escapes all that is not ASCII, as many programs do.
func asciiJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

var escaped = regexp.MustCompile(`%[0-9A-F]{2}`)

// escapes are the ways to write a text in a URL: what else than letters and
// digits stays as it is differs between programs, and so do the digits.
func escapes(secret string) []string {
	query := url.QueryEscape(secret)
	component := strings.ReplaceAll(query, "+", "%20")
	forms := []string{
		query, component, url.PathEscape(secret), strings.ReplaceAll(component, "%2F", "/"),
		strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(component),
	}
	for _, form := range forms {
		forms = append(forms, escaped.ReplaceAllStringFunc(form, strings.ToLower))
	}
	return forms
}

// aligned returns the characters that a secret has in base64 when it starts
// offset bytes into a group of three, whatever stands around it: "user:secret"
// is encoded as one.
func aligned(alphabet *base64.Encoding, secret string, offset int) string {
	encoded := alphabet.EncodeToString(append(make([]byte, offset), secret...))
	first := (offset*8 + 5) / 6
	last := (offset + len(secret)) * 8 / 6
	return encoded[first:last]
}

// wrapped are the lines of a long secret in base64 as base64 and openssl break
// them.
func wrapped(secret string) []string {
	var lines []string
	for _, text := range []string{secret, secret + "\n"} {
		encoded := base64.StdEncoding.EncodeToString([]byte(text))
		for _, width := range []int{64, 76} {
			for rest := encoded; len(encoded) > width && len(rest) >= minLine; rest = rest[min(width, len(rest)):] {
				lines = append(lines, rest[:min(width, len(rest))])
			}
		}
	}
	return lines
}
