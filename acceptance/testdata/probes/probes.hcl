# Every probe on a real node. The variable `broken` names those that look for
# something that is not there.
variable "dir" {
  description = "Where cert.pem and key.pem are, of a server called localhost."
}

variable "broken" {
  type    = list(string)
  default = []
}

backend "docker" "local" {
  distribution = "debian-12"
}

cluster "c" {
  roles = { box = 1 }
}

locals {
  box = cluster.c.box[0]
}

step "copy" "pem" {
  node        = local.box
  source      = var.dir
  destination = "/srv/pem"
}

step "run" "serve" {
  node       = local.box
  depends_on = [step.pem]
  command = [
    "systemd-run", "--unit=web", "openssl", "s_server", "-www", "-accept", "8443", "-cert", "/srv/pem/cert.pem", "-key", "/srv/pem/key.pem",
  ]
}

step "run" "pages" {
  node       = local.box
  depends_on = [step.pem]
  command    = ["systemd-run", "--unit=pages", "python3", "-m", "http.server", "--directory", "/srv/pem", "8080"]
}

step "wait" "command" {
  node       = local.box
  depends_on = [step.serve]
  timeout    = contains(var.broken, "command") ? "2s" : "30s"
  until {
    command = ["sh", "-c", contains(var.broken, "command") ? "echo out; echo err >&2; exit 3" : "ss -ltn | grep -q :8443"]
  }
}

step "wait" "script" {
  node       = local.box
  depends_on = [step.serve]
  timeout    = contains(var.broken, "script") ? "2s" : "30s"
  until {
    script = "systemctl show --property MainPID --value web | grep -qv '^0$'\ntest ${contains(var.broken, "script") ? 1 : 2} = 2"
    stable = "1s"
  }
}

step "wait" "tcp" {
  node       = local.box
  depends_on = [step.serve]
  timeout    = contains(var.broken, "tcp") ? "2s" : "30s"
  until {
    tcp = contains(var.broken, "tcp") ? "127.0.0.1:9" : "127.0.0.1:8443"
  }
}

step "wait" "tcp_from_tool" {
  depends_on = [step.serve]
  timeout    = contains(var.broken, "tcp_from_tool") ? "2s" : "30s"
  until {
    tcp = "${local.box.ip}:${contains(var.broken, "tcp_from_tool") ? 9 : 8443}"
  }
}

step "wait" "unit" {
  node       = local.box
  depends_on = [step.serve]
  timeout    = contains(var.broken, "unit") ? "2s" : "30s"
  until {
    unit = contains(var.broken, "unit") ? "no-such-unit" : "web"
  }
}

step "wait" "file" {
  node       = local.box
  depends_on = [step.serve]
  timeout    = contains(var.broken, "file") ? "2s" : "30s"
  until {
    file = contains(var.broken, "file") ? "/srv/pem/none" : "/srv/pem/key.pem"
  }
}

step "wait" "log" {
  node       = local.box
  depends_on = [step.serve]
  timeout    = contains(var.broken, "log") ? "2s" : "30s"
  until {
    log {
      unit  = "web"
      match = contains(var.broken, "log") ? "no such line" : "^ACCEPT$"
    }
  }
}

# The vantage is an argument of the probe; the certificate comes with it.
step "assert" "http" {
  depends_on = [step.serve]
  within     = contains(var.broken, "http") ? "2s" : "30s"
  probe {
    node = local.box
    http {
      url    = "https://localhost:8443/"
      status = contains(var.broken, "http") ? 204 : 200
      body   = "s_server -www"
      ca     = "${var.dir}/cert.pem"
    }
  }
  condition     = strcontains(probe.headers["content-type"], "text/html")
  error_message = "the page has status ${probe.status}"
}

step "assert" "http_from_tool" {
  depends_on = [step.pages]
  within     = contains(var.broken, "http_from_tool") ? "2s" : "30s"
  probe {
    http {
      url = "http://${local.box.ip}:8080/${contains(var.broken, "http_from_tool") ? "none" : "cert.pem"}"
    }
  }
}

step "assert" "hold" {
  node       = local.box
  depends_on = [step.serve]
  hold       = "2s"
  probe {
    script = contains(var.broken, "hold") ? "test ! -e /run/held; touch /run/held" : "true"
    every  = "200ms"
  }
}
