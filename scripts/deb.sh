#!/bin/sh
# npm run deb: what `npm pack` would pack, as a Debian package for all architectures, with man page and completions.
#   sh scripts/deb.sh [FOLDER]    writes FOLDER/provision_VERSION_all.deb, and prints its name. Needs `npm run build`.
set -eu
cd "$(dirname "$0")/.."

output=$(realpath "${1:-.}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
root=$work/root
lib=$root/usr/lib/provision
doc=$root/usr/share/doc/provision
about() { node -p "require('./package.json').$1"; }
version=$(about version)

mkdir -p "$lib" "$doc" "$root/usr/bin" "$root/usr/share/man/man1" "$root/DEBIAN"
npm pack --silent --ignore-scripts --pack-destination "$work" >/dev/null
tar -xzf "$work"/*.tgz -C "$lib" --strip-components 1 --no-same-owner
mv "$lib/docs" "$lib/inventory/examples" "$lib/README.md" "$doc"
rm -r "$lib/inventory"
gzip -9n <"$lib/CHANGELOG.md" >"$doc/changelog.gz"
cat "$lib/LICENSE" "$lib/dist/licences.txt" >"$doc/copyright"
rm "$lib/CHANGELOG.md" "$lib/LICENSE" "$lib/dist/licences.txt"
ln -s ../lib/provision/bin/provision.js "$root/usr/bin/provision"

# What is not in the bundles.
for name in $(node -p "Object.keys(require('./package.json').dependencies).join(' ')"); do
  mkdir -p "$lib/node_modules/$name"
  cp -RL "node_modules/$name/." "$lib/node_modules/$name"
done

completion() {
  mkdir -p "$root/usr/share/$(dirname "$2")"
  node bin/provision.js completion "$1" >"$root/usr/share/$2"
}
gzip -9n <dist/provision.1 >"$root/usr/share/man/man1/provision.1.gz"
completion bash bash-completion/completions/provision
completion zsh zsh/vendor-completions/_provision
completion fish fish/vendor_completions.d/provision.fish

cat >"$root/DEBIAN/control" <<END
Package: provision
Version: $version
Architecture: all
Section: admin
Priority: optional
Maintainer: ${DEBFULLNAME:-provision} <${DEBEMAIL:-provision@localhost}>
Depends: nodejs (>= 20.19), openssh-client
Suggests: systemd-container, mmdebstrap, nftables
Installed-Size: $(du -sk "$root/usr" | cut -f 1)
Description: reverse SSH tunnels that live, changed safely
 Keeps ports on a gateway open for machines that nobody can call: behind a
 firewall, a home router, a mobile link. Each machine is changed completely or
 not at all, and success is a login through the device's own port.
END

chmod -R u=rwX,go=rX "$root"
deb=$output/provision_${version}_all.deb
dpkg-deb --root-owner-group --build "$root" "$deb" >/dev/null
echo "$deb"
