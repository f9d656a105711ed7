# Reads the numbers of acknowledged writes and counts those that etcd does not
# have. FORGET deletes some first.
set -eu

etcdctl() { /opt/etcd-next/usr/bin/etcdctl --endpoints="$ENDPOINTS" "$@"; }

sort >/tmp/acknowledged
head -n "$FORGET" /tmp/acknowledged | while read -r i; do
  etcdctl del "write-$i" >/dev/null
done
etcdctl get --prefix write- --keys-only | sed -n 's/^write-//p' | sort >/tmp/present
printf '{"acknowledged": %d, "lost": %d}\n' "$(wc -l </tmp/acknowledged)" "$(comm -23 /tmp/acknowledged /tmp/present | wc -l)"
