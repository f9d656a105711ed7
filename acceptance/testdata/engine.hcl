# A Docker engine of its own, newer than many, on a node: its API is at the
# node's address.
backend "docker" "local" {
  distribution = "debian-13"
}

cluster "second" {
  roles = { engine = 1 }
}

step "run" "serve" {
  node   = cluster.second.engine[0]
  env    = { ADDRESS = cluster.second.engine[0].ip }
  script = <<-EOT
    mkdir -p /etc/systemd/system/docker.service.d
    cat >/etc/systemd/system/docker.service.d/serve.conf <<CONF
    [Service]
    ExecStart=
    ExecStart=/usr/sbin/dockerd --host fd:// --host tcp://$ADDRESS:2375 --tls=false
    CONF
    systemctl daemon-reload
    systemctl restart docker
  EOT
}

output "host" {
  value = "tcp://${cluster.second.engine[0].ip}:2375"
}
