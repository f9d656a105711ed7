# Writes numbered keys until it is stopped. Prints the number of each write that
# etcd has acknowledged; one that it has not may or may not be there.
set -u

i=0
while true; do
  i=$((i + 1))
  if /opt/etcd-next/usr/bin/etcdctl --endpoints="$ENDPOINTS" --command-timeout=2s put "write-$i" "$i" >/dev/null 2>&1; then
    echo "$i"
  fi
done
