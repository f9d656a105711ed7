# Prints how many keys this member serves and the SHA-256 of all keys and
# values, sorted by key. The read is linearizable: it comes from this member's own
# store, once that has everything that the cluster has agreed on.
set -eu

etcdctl get --prefix key- >/tmp/keys
printf '{"keys": %d, "sha256": "%s"}\n' "$(grep -c '^key-' /tmp/keys)" "$(sha256sum </tmp/keys | cut -d' ' -f1)"
