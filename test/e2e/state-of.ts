import type { Machine } from '../../src/lab/index.ts'
import { until } from '../../src/lab/local.ts'

/**
 * All of a host that a run may touch, as lines to compare: every file, link and folder of /etc with its content, owner
 * and mode; accounts; people's keys; which units run (what is enabled is a link below /etc); what a run left behind. What
 * sshd would do follows from its files. Key material differs from machine to machine and is not compared. Two equal
 * states are one state.
 */
export async function stateOf(machine: Machine): Promise<string[]> {
  const { code, stdout, stderr } = await machine.sh(script)
  if (code !== 0) throw new Error(`${machine.name}: ${stderr}`)
  return stdout.trimEnd().split('\n')
}

const script = String.raw`
cd /etc || exit
volatile='-name passwd- -o -name shadow- -o -name group- -o -name gshadow- -o -name subuid- -o -name subgid-
  -o -name .pwd.lock -o -name ld.so.cache -o -name machine-id -o -name .updated -o -name resolv.conf'
accounts='-name passwd -o -name shadow -o -name group -o -name gshadow -o -name subuid -o -name subgid'
find . -xdev \( $volatile \) -prune -o -printf '/etc/%P %y %m %u:%g %l\n' | sort
find . -xdev -type f ! \( $volatile -o $accounts -o -name 'ssh_host_*' -o -path '*/reverse-tunnel/*' \) \
  -exec sha256sum {} + | sort -k 2
for file in $(find reverse-tunnel ssh/reverse-tunnel -type f 2>/dev/null | sort); do
  case $file in
    */id_ed25519) [ "$(ssh-keygen -y -f $file)" = "$(cut -d ' ' -f 1,2 $file.pub)" ]; echo "a key pair: $?" ;;
    *) sed -E "s#AAAA[A-Za-z0-9+/=]+#KEY#g; s#$(hostname)#HOST#g; s#^#$file: #" $file | sort -u ;;
  esac
done
cut -d : -f 1,5- passwd | sort
cut -d : -f 1,2 shadow | sort
cut -d : -f 1,4 group | sort
cut -d : -f 1 subuid subgid | sort
find /home /root -xdev -path '*/.ssh/*' -type f -exec sha256sum {} + | sort -k 2
find /home -xdev ! -name .sudo_as_admin_successful -printf '%p %y %m %u:%g\n' | sort
sshd -t; echo "sshd -t: $?"
# A proxy runs while somebody is connected, and for a while after.
systemctl list-units --all --no-legend --no-pager --plain ssh.service 'reverse-tunnel*' 'e2e*' 'provision-guard-*' |
  grep -vE '^(reverse-tunnel-(.*_[0-9]+|again@.*)\.service|provision-guard-\S+ +\S+ +(inactive|failed|(de)?activating)) ' |
  sed -E 's/ +/ /g; s/^provision-guard-/left behind: &/' | cut -d ' ' -f 1-3
for left in /var/lib/provision/current /var/lib/provision/incoming.* /etc/systemd/system/provision-recover.service; do
  if [ -e "$left" ]; then echo "left behind: $left"; fi
done
find /etc /home /root \( -name '*.provision-new' -o -name '*.provision-old' \) -printf 'left behind: %p\n'
# The find of some hosts knows no -printf.
true
`

/** Waits until no transaction is under way. A host that does not settle is an error with all that can be told of it. */
export async function settled(machine: Machine, timeoutMs = 60_000): Promise<void> {
  const quiet = async () => {
    const { code } = await machine.sh(
      "test ! -e /var/lib/provision/current && ! systemctl is-active -q 'provision-guard-*.service'",
    )
    return code === 0 || undefined
  }
  if (await until(quiet, { timeoutMs, everyMs: 200 })) return
  const { stdout } = await machine.sh(
    'cd /var/lib/provision; ls -la . current; tail -n +1 current/why current/failed current/undo.errors current/left current/outcome; journalctl -u "provision-guard-*" -n 20 --no-pager 2>&1',
  )
  throw new Error(`${machine.name} did not settle:\n${stdout}`)
}

/** What the host itself wrote down of its transactions, oldest first: `confirmed`, `undone: why`, `rejected: why`. */
export async function history(machine: Machine): Promise<string[]> {
  const { stdout } = await machine.sh(
    'cd /var/lib/provision/history 2>/dev/null && for id in $(ls -1tr); do echo "$(cat $id/outcome): $(head -n 1 $id/why 2>/dev/null)"; done',
  )
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/^confirmed:.*/, 'confirmed'))
}
