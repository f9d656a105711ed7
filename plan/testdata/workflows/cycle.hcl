locals {
  a = local.b
  b = "${local.a}${step.two.stdout}"
}
step "run" "one" {
  for_each = step.two
  command  = [each.value.stdout, local.a]
}
step "run" "two" {
  for_each = step.one
  command  = [each.key]
}
