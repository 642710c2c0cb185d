import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProvisionError } from '../errors.ts'
import { isThere } from '../files/atomic.ts'
import { local } from './local.ts'
import type { Suite } from './plan.ts'

const cache = '/var/cache/provision-lab'
const common =
  'systemd-sysv,openssh-server,openssh-client,sudo,dbus,libpam-systemd,iproute2,procps,nftables,libfaketime'
/** Of what a Raspberry Pi OS has, that a first boot meets: its network and Wi-Fi, and what makes its disk larger. */
const raspberry = 'netplan.io,network-manager,rfkill,iw,wireless-regdb,parted,e2fsprogs,dosfstools'

// The machines have no way out, so the base brings a small repository of its own: `apt-get install autossh` works
// inside, and where the suite has them that of sudo and coreutils as other systems ship them.
const customize = `set -eu
root=$1
rm -f "$root"/etc/ssh/ssh_host_*
mkdir -p "$root/srv/packages"
chroot "$root" sh -eu -c '
cd /srv/packages
packages=autossh
for package in rust-coreutils sudo-rs; do
  if apt-cache show "$package" >/dev/null 2>&1; then packages="$packages $package"; fi
done
apt-get -o APT::Sandbox::User=root -o Dir::Cache::archives="$PWD" -qq --no-install-recommends --download-only --yes \\
  install $packages
rm -rf lock partial
for deb in *.deb; do
  dpkg-deb -f "$deb"
  printf "Filename: ./%s\\nSize: %s\\n" "$deb" "$(stat -c %s "$deb")"
  printf "SHA256: %s\\n\\n" "$(sha256sum "$deb" | cut -d" " -f1)"
done >Packages
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*
echo "deb [trusted=yes] file:/srv/packages ./" >/etc/apt/sources.list
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer
# Run at every boot and every daemon-reload, and find nothing to do in a machine without disks.
mkdir -p /etc/systemd/system-generators
for name in debug fstab getty gpt-auto hibernate-resume rc-local run ssh system-update sysv tpm2; do
  ln -s /dev/null "/etc/systemd/system-generators/systemd-$name-generator"
done
# Nor are there mounts to make, or devices, that nspawn has not made.
systemctl mask dev-hugepages.mount sys-fs-fuse-connections.mount run-lock.mount \\
  systemd-tmpfiles-setup-dev-early.service systemd-tmpfiles-setup-dev.service
# A namespace of its own for logind, which guards nothing here, takes as long as all of logind does.
mkdir -p /usr/lib/systemd/system/systemd-logind.service.d
for word in PrivateTmp ProtectClock ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs \\
  ProtectKernelModules ProtectSystem; do
  echo "$word=no"
done | sed "1i [Service]\\nReadWritePaths=" >/usr/lib/systemd/system/systemd-logind.service.d/lab.conf
# Eight processes at every login that greet nobody, and an agent for keys that nobody has.
sed -i /pam_motd/d /etc/pam.d/sshd
systemctl --global mask ssh-agent.socket ssh-agent.service
# Nor a manager for the services of each person, which have none; with that file there is one.
mkdir -p /usr/lib/systemd/system/user@.service.d
printf "[Unit]\\nConditionPathExists=/run/user-managers\\n" >/usr/lib/systemd/system/user@.service.d/lab.conf
# As after its first boot: caches are made once, here, and not in every machine.
ldconfig
journalctl --update-catalog
touch -r /usr /etc/.updated /var/.updated
'
: >"$root/etc/resolv.conf"
: >"$root/etc/machine-id"
`

// One builder at a time; a half-built tree is never taken for a whole one.
const build = `set -eu
final=$1; suite=$2; mirror=$3; packages=$4; hook=$5
[ ! -d "$final" ] || exit 0
rm -rf "$final.new"
mmdebstrap --quiet --mode=root --variant=minbase --format=directory --include="$packages" \\
  --customize-hook="sh $hook \\"\\$1\\"" "$suite" "$final.new" "deb $mirror $suite main"
mv "$final.new" "$final"
`

/** Told what takes long, for a person; and what ends it. */
export interface BaseOptions {
  readonly progress?: ((message: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** The root file system all machines of a suite stand on: built once, then only read. */
export function base(suite: Suite, options: BaseOptions = {}): Promise<string> {
  return tree(suite, { suite, packages: common, seconds: 20 }, options)
}

/** … and what stands in for a Raspberry Pi OS of that release: since trixie with cloud-init, as there. */
export function cardBase(suite: Exclude<Suite, 'bullseye'>, options: BaseOptions = {}): Promise<string> {
  const packages = `${common},${suite === 'trixie' ? 'cloud-init,' : ''}${raspberry}`
  return tree(`${suite}-card`, { suite, packages, seconds: 60 }, options)
}

interface Recipe {
  readonly suite: Suite
  readonly packages: string
  /** That it takes, about. */
  readonly seconds: number
}

async function tree(
  name: string,
  { suite, packages, seconds }: Recipe,
  { progress, signal }: BaseOptions,
): Promise<string> {
  const recipe = createHash('sha256').update(packages).update(customize).digest('hex').slice(0, 8)
  const final = join(cache, `${name}-${recipe}`)
  if (await isThere(final)) return final
  await mkdir(cache, { recursive: true })
  const hook = join(cache, `customize-${recipe}.sh`)
  await writeFile(hook, customize)
  progress?.(`building the ${name} root file system, once (about ${seconds} s)`)
  const argv = ['sh', '-c', build, 'sh', final, suite, await mirror(), packages, hook]
  await local(['flock', join(cache, `${name}.lock`), ...argv], signal ? { signal } : {})
  return final
}

/** The mirror that this machine itself uses, read from apt: none is written here. */
async function mirror(): Promise<string> {
  const chosen = process.env.PROVISION_LAB_MIRROR
  if (chosen) return chosen
  const rows = await local(['apt-get', 'indextargets', '--format', '$(ORIGIN) $(LABEL) $(REPO_URI)'])
  const uri = /^Debian Debian (\S+)$/m.exec(rows)?.[1]
  if (uri) return uri
  throw new ProvisionError(
    'lab: apt of this machine knows no Debian mirror',
    'name one: PROVISION_LAB_MIRROR=URL provision lab up …',
  )
}
