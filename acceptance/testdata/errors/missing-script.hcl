step "run" "prepare" {
  local  = true
  script = file("no-such-script.sh")
}
