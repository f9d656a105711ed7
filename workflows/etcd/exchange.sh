# Stops this member, exchanges its binaries for the fetched ones, and starts it.
# With WIPE it loses its data meanwhile. Prints the version that runs then.
set -eu

systemctl stop etcd
install /opt/etcd-next/usr/bin/etcd /opt/etcd-next/usr/bin/etcdctl /usr/bin/
if [ -n "$WIPE" ]; then
  rm -rf /var/lib/etcd/default
fi
systemctl --no-block start etcd
etcd --version | sed -n 's/^etcd Version: //p'
