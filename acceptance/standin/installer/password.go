package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	rounds  = 656000
	itoa64  = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	saltLen = 16
)

// hashPassword prints the SHA-512 crypt of a password as the last line.
func (in installer) hashPassword(password string, stdin io.Reader) error {
	if password == "" {
		fmt.Fprint(in.stdout, "Password: ")
		line, err := bufio.NewReader(stdin).ReadString('\n')
		if err != nil && line == "" {
			return errors.New("no password given")
		}
		password = strings.TrimRight(line, "\r\n")
	}
	raw := make([]byte, saltLen)
	if _, err := rand.Read(raw); err != nil {
		return err
	}
	for i := range raw {
		raw[i] = itoa64[raw[i]&63]
	}
	fmt.Fprintln(in.stdout, crypt(password, string(raw)))
	return nil
}

// crypt is SHA-512 crypt as Ulrich Drepper's specification of 2008 defines it.
func crypt(password, salt string) string {
	p, s := []byte(password), []byte(salt)
	b := sum(p, s, p)
	a := bytes.Join([][]byte{p, s, fill(b, len(p))}, nil)
	for n := len(p); n > 0; n >>= 1 {
		if n&1 == 1 {
			a = append(a, b...)
		} else {
			a = append(a, p...)
		}
	}
	digest := sum(a)
	pseq := fill(sum(bytes.Repeat(p, len(p))), len(p))
	sseq := fill(sum(bytes.Repeat(s, 16+int(digest[0]))), len(s))
	for i := range rounds {
		first, last := digest, pseq
		if i&1 == 1 {
			first, last = pseq, digest
		}
		parts := [][]byte{first}
		if i%3 != 0 {
			parts = append(parts, sseq)
		}
		if i%7 != 0 {
			parts = append(parts, pseq)
		}
		digest = sum(append(parts, last)...)
	}
	return fmt.Sprintf("$6$rounds=%d$%s$%s", rounds, salt, encode(digest))
}

func sum(parts ...[]byte) []byte {
	d := sha512.Sum512(bytes.Join(parts, nil))
	return d[:]
}

// fill repeats b up to n bytes.
func fill(b []byte, n int) []byte {
	return bytes.Repeat(b, n/len(b)+1)[:n]
}

func encode(d []byte) string {
	var out strings.Builder
	put := func(v uint, n int) {
		for range n {
			out.WriteByte(itoa64[v&63])
			v >>= 6
		}
	}
	for i, a := 0, 0; i < 21; i++ {
		b, c := (a+21)%63, (a+42)%63
		put(uint(d[a])<<16|uint(d[b])<<8|uint(d[c]), 4)
		a = b + 1
		if a >= 63 {
			a -= 63
		}
	}
	put(uint(d[63]), 2)
	return out.String()
}
