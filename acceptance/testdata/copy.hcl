# A34: a file, a directory and a symlink, with mode and owner, also into tmpfs.
variable "source" {
  default = "copied"
}

variable "digest" {
  type        = string
  default     = null
  description = "What SHA-256 the copied file must have instead of that of the source."
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 1 }
}

step "copy" "file" {
  node        = cluster.c.box[0]
  source      = "${var.source}/file.txt"
  destination = "/srv/file.txt"
  mode        = "0640"
  owner       = "nobody:daemon"
}

step "copy" "directory" {
  node        = cluster.c.box[0]
  source      = var.source
  destination = "/srv/directory"
}

step "copy" "tmpfs" {
  node        = cluster.c.box[0]
  source      = "${var.source}/file.txt"
  destination = "/tmp/deep/down/file.txt"
}

step "run" "digest" {
  node       = cluster.c.box[0]
  depends_on = [step.file, step.directory, step.tmpfs]
  script     = "sha256sum /srv/file.txt /srv/directory/file.txt /srv/directory/link /tmp/deep/down/file.txt | cut -d' ' -f1 | sort -u"
}

step "assert" "same" {
  condition = trimspace(step.digest.stdout) == (var.digest == null ? filesha256("${var.source}/file.txt") : var.digest)
}

step "run" "stat" {
  node       = cluster.c.box[0]
  depends_on = [step.file, step.directory]
  command    = ["stat", "--format", "%a %U:%G %F", "/srv/file.txt", "/srv/directory/run.sh", "/srv/directory/link", "/srv/directory/empty"]
}

output "stat" {
  value = step.stat.stdout
}

step "run" "link" {
  node       = cluster.c.box[0]
  depends_on = [step.directory]
  command    = ["readlink", "/srv/directory/link"]
}

output "link" {
  value = step.link.stdout
}

step "run" "mounts" {
  node    = cluster.c.box[0]
  command = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", "/tmp"]
}

output "tmp" {
  value = step.mounts.stdout
}
