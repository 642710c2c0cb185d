import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { local } from '../../../src/lab/local.ts'
import type { Machine } from '../../../src/lab/machine.ts'

const cache = '/var/cache/provision-lab/nodejs-for-trixie'

// apt of this machine, as if it were the other one: its mirror, its release, what is installed there.
const download = `set -eu
status=$1; final=$2; mirror=$3
[ ! -d "$final" ] || exit 0
rm -rf "$final.new"
mkdir -p "$final.new/lists/partial" "$final.new/cache/archives/partial"
cd "$final.new"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >sources.list
cat >apt.conf <<END
Dir::Etc::SourceList "$final.new/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::lists "$final.new/lists";
Dir::State::status "$status";
Dir::Cache "$final.new/cache";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
END
export APT_CONFIG=$final.new/apt.conf
apt-get -q update
apt-get -q -y --download-only install nodejs
mkdir packages
mv cache/archives/*.deb packages/
cd packages
for deb in *.deb; do
  dpkg-deb -f "$deb"
  printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
done >Packages
cd ../..
mv "$final.new/packages" "$final"
rm -r "$final.new"
`

/** Debian's own Node 20 can be installed in this machine, which has no way to a mirror: `apt-get install` finds it. */
export async function offerNode({ root, sh }: Machine): Promise<void> {
  const mirror =
    process.env.PROVISION_LAB_MIRROR ??
    /^Debian Debian (\S+)$/m.exec(
      await local(['apt-get', 'indextargets', '--format', '$(ORIGIN) $(LABEL) $(REPO_URI)']),
    )?.[1] ??
    'http://deb.debian.org/debian'
  const words = [join(root, 'var/lib/dpkg/status'), cache, mirror]
  await local(['flock', `${cache}.lock`, 'sh', '-c', download, 'sh', ...words])
  await mkdir(join(root, 'srv/debian'))
  await cp(cache, join(root, 'srv/debian'), { recursive: true })
  await writeFile(join(root, 'etc/apt/sources.list'), 'deb [trusted=yes] file:/srv/debian ./\n')
  await sh('apt-get -q update')
}
