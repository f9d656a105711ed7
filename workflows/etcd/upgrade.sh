# Upgrades this member. While it is down, for $DOWN seconds, the others must serve
# linearizable reads; that takes a quorum, two of three. Ends with one line:
# the version of every member, as `etcdctl endpoint status` reports them.
set -eu

# A read may fail while a new leader is elected; without a quorum it never succeeds.
read_within_10s() {
  for _ in 1 2 3 4 5; do
    etcdctl --endpoints="$1" --command-timeout=2s get key-00001 >/tmp/read 2>&1 && return
  done
  return 1
}

echo "$NAME goes down" >&2
systemctl stop etcd
install /opt/etcd-next/usr/bin/etcd /opt/etcd-next/usr/bin/etcdctl /usr/bin/

reads=0
until=$(($(date +%s%3N) + DOWN * 1000))
while [ "$(date +%s%3N)" -lt "$until" ]; do
  if ! read_within_10s "$OTHERS"; then
    echo "quorum lost: while $NAME is down, $OTHERS served no linearizable read within 10 seconds:" >&2
    cat /tmp/read >&2
    exit 1
  fi
  reads=$((reads + 1))
done
echo "$NAME was down, the others served $reads linearizable reads" >&2

systemctl start etcd
if ! read_within_10s http://127.0.0.1:2379; then
  echo "$NAME is back, but serves no linearizable read:" >&2
  cat /tmp/read >&2
  exit 1
fi
etcdctl --endpoints="$ENDPOINTS" endpoint status --write-out table >&2
etcdctl --endpoints="$ENDPOINTS" endpoint status --write-out json |
  grep -o '"version":"[^"]*"' | cut -d'"' -f4 | xargs
