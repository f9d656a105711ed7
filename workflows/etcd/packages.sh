# Adds trixie to the node's own apt: the sources that it has, with the other
# release's name, and pinned so low that nothing comes from there unasked.
set -eu

for source in $(grep -ls bookworm /etc/apt/sources.list /etc/apt/sources.list.d/*); do
  sed s/bookworm/trixie/g "$source" >"/etc/apt/sources.list.d/trixie-${source##*/}"
done
printf 'Package: *\nPin: release n=trixie*\nPin-Priority: 100\n' >/etc/apt/preferences.d/trixie
apt-get update -qq -o Acquire::Languages=none
