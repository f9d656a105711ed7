# A85: a step type that a plug-in adds.
variable "who" {
  default = "world"
}

step "greet" "hello" {
  name = var.who
}

step "assert" "greeted" {
  condition = step.hello.greeting == "hello, world"
}
