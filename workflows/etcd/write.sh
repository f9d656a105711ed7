# Writes $KEYS keys in transactions of 100, which is far faster than one by one.
set -eu

seq "$KEYS" | xargs -n 100 | while read -r batch; do
  {
    echo # no comparisons: always the first list
    for i in $batch; do
      printf 'put key-%05d "value %d written before the upgrade"\n' "$i" "$i"
    done
    printf '\n\n' # end of the first list, and an empty second one
  } | etcdctl --endpoints="$ENDPOINTS" txn >/dev/null
done
