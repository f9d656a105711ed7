# Downloads etcd of trixie and unpacks it beside the installed one, so that an
# upgrade is only an exchange of binaries. They need no newer libc than bookworm's.
set -eu

mkdir -p /opt/etcd-next
cd /opt/etcd-next
apt-get download -qq etcd-server/trixie etcd-client/trixie >&2
for package in *.deb; do
  dpkg-deb --extract "$package" .
done
dpkg-deb --field etcd-server_*.deb Version | cut -d- -f1
