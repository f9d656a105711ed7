package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestCryptAgreesWithOpenSSL(t *testing.T) {
	got := crypt("deleteme", "saltsaltsaltsalt")
	out, err := exec.Command("openssl", "passwd", "-6", "-salt", "rounds=656000$saltsaltsaltsalt", "deleteme").Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSpace(string(out)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
