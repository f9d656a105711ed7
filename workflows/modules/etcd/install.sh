# Installs the etcd of the node's distribution and configures this member. The
# service does not start yet: it would found a cluster of its own.
set -eu
export DEBIAN_FRONTEND=noninteractive

printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt-get install -qq -y etcd-server etcd-client >&2
rm /usr/sbin/policy-rc.d

cat >/etc/default/etcd <<EOF
ETCD_NAME=$NAME
ETCD_DATA_DIR=/var/lib/etcd/default
ETCD_LISTEN_PEER_URLS=http://$IP:2380
ETCD_LISTEN_CLIENT_URLS=http://$IP:2379,http://127.0.0.1:2379
ETCD_ADVERTISE_CLIENT_URLS=http://$IP:2379
ETCD_INITIAL_ADVERTISE_PEER_URLS=http://$IP:2380
ETCD_INITIAL_CLUSTER=$MEMBERS
ETCD_INITIAL_CLUSTER_STATE=new
EOF

# A leader hands over before it stops, and would wait long for a successor that
# is down too.
mkdir -p /etc/systemd/system/etcd.service.d
printf '[Service]\nTimeoutStopSec=1s\n' >/etc/systemd/system/etcd.service.d/stop.conf
systemctl daemon-reload

dpkg-query --show --showformat '${source:Upstream-Version}' etcd-server | cut -d+ -f1
