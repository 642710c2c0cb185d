import type { Machine } from '../../../src/lab/index.ts'
import { parseMark } from '../../../src/resources/mark.ts'

/** All of a machine that somebody may call his own, by what it is: a file, a line of a shared file, an account, a unit, a session. */
export interface Look {
  readonly things: ReadonlyMap<string, string>
  /** Whose mark a thing carries: the identity of an inventory, `-`: of one without; absent: nobody's. */
  readonly owners: ReadonlyMap<string, string>
}

export async function look(machine: Machine): Promise<Look> {
  const { code, stdout, stderr } = await machine.sh(script)
  if (code !== 0) throw new Error(`${machine.name}: ${stderr}`)
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
  const things = new Map<string, string>()
  const owners = new Map<string, string>()
  const of = (kind: string) => rows.filter(([found]) => found === kind).map(([, ...rest]) => rest)
  const own = (thing: string, owner: string | undefined) => {
    if (owner !== undefined) owners.set(thing, owner)
  }
  const byAccount = new Map<string, string>()
  const byUser = new Map<string, string>()
  for (const [file = '', line = ''] of of('line')) {
    const [name = '', , id = '', , comment = ''] = line.split(':')
    const owner = file === '/etc/passwd' ? parseMark(comment)?.inventory : undefined
    if (owner !== undefined) byAccount.set(name, owner).set(`user@${id}.service`, owner)
    if (file === '/etc/passwd') byUser.set(id, name)
  }
  for (const [file = '', line = ''] of of('line')) {
    const account = file.startsWith('/etc/') && !file.endsWith('authorized_keys')
    const thing = account ? `${file} ${line.split(':')[0]}` : `${file} ${line}`
    things.set(thing, line)
    own(thing, account ? byAccount.get(line.split(':')[0] ?? '') : parseMark(line)?.inventory)
  }
  for (const [file = '', digest = ''] of of('digest')) things.set(`content of ${file}`, digest)
  const marks = new Map(of('mark').map(([file = '', line = '']) => [file, parseMark(line)?.inventory]))
  for (const [file = '', type = '', mode = '', to = ''] of of('file')) {
    things.set(file, `${type} ${mode} ${to}`)
    const name = file.replace(/.*\//, '')
    const target = to.startsWith('/') ? to : file
    const owner = type === 'l' && to === '/dev/null' ? byAccount.get(name) : (marks.get(target) ?? ownFolder(file))
    own(file, owner)
    own(`content of ${file}`, owner)
  }
  for (const folder of of('file').filter(([, type]) => type === 'd')) own(folder[0] ?? '', folderOwner(folder[0] ?? ''))
  for (const [unit = '', file = '', state = ''] of of('unit')) {
    things.set(`unit ${unit}`, state)
    own(`unit ${unit}`, owners.get(file))
  }
  for (const [user = '', process = ''] of of('process')) {
    things.set(`process of ${user} ${process}`, 'runs')
    own(`process of ${user} ${process}`, byAccount.get(user))
  }
  return { things, owners }

  /** What lies in a folder that only one has something in belongs to that one. */
  function folderOwner(folder: string): string | undefined {
    const inside = [...things.keys()].filter((thing) => thing.startsWith(`${folder}/`))
    const found = new Set(inside.filter((thing) => !thing.includes(' ')).map((thing) => owners.get(thing)))
    return found.size === 1 ? [...found][0] : undefined
  }
}

/**
 * What all inventories on a machine have in common: each writes it so that it suits everybody. That the other one has lost
 * nothing by it is seen by its tunnel, which goes on, and by its own `verify`. And on a device the folder whose files
 * cannot hold a mark.
 */
const common =
  /^\/etc\/(reverse-tunnel(\/.*)?|ssh\/reverse-tunnel(\/authorized_keys)?|ssh\/sshd_config\.d\/00-(provision|reverse-tunnel[^/]*)\.conf|tmpfiles\.d\/reverse-tunnel\.conf)$/
const ownFolder = (file: string) => (common.test(file) ? '-' : undefined)

/** What differs between two looks at one machine, without the things of these owners. */
export function differences(before: Look, after: Look, without: readonly (string | undefined)[] = []): string[] {
  const spared = ({ owners }: Look, thing: string) => owners.has(thing) && without.includes(owners.get(thing))
  const all = new Set([...before.things.keys(), ...after.things.keys()])
  return [...all].flatMap((thing) => {
    const [was, is] = [before.things.get(thing), after.things.get(thing)]
    if (was === is || spared(before, thing) || (was === undefined && spared(after, thing))) return []
    if (was === undefined) return passing.test(thing) ? [] : [`new, and nobody's: ${thing}: ${is}`]
    return [is === undefined ? `gone: ${thing} (${was})` : `changed: ${thing}: ${was} is now ${is}`]
  })
}

/** Left empty, as systemctl leaves it. */
const passing = /\.wants$/

// What a package brings, and what systemd does by itself, is nobody's.
const script = String.raw`
set -f

places='/etc /home /root /usr/local'
shared='-path /etc/passwd -o -path /etc/shadow -o -path /etc/group -o -path /etc/gshadow -o -path /etc/subuid
  -o -path /etc/subgid -o -name authorized_keys'
volatile='-name passwd- -o -name shadow- -o -name group- -o -name gshadow- -o -name subuid- -o -name subgid-
  -o -name .pwd.lock -o -name ld.so.cache -o -name .updated -o -name resolv.conf -o -name .sudo_as_admin_successful
  -o -name provision-recover.service -o -path /etc/hosts -o -path /etc/logcheck*'
find $places -xdev \( $volatile \) -prune -o -printf 'file\t%p\t%y\t%m %u:%g\t%l\n' | sort
find $places -xdev -type f ! \( $volatile -o $shared \) -exec sha256sum {} + | sed -E 's/^(\S+) +(.*)/digest\t\2\t\1/' | sort
find $places -xdev -type f -size -64k ! \( $volatile -o $shared \) -exec awk '
  FNR == 1 && / provision [a-z0-9-]+/ { print "mark\t" FILENAME "\t" $0 }
  FNR == 2 && / provision [a-z0-9-]+/ { print "mark\t" FILENAME "\t" $0 }' {} + | sort
find $places -xdev -type f \( $shared \) -exec awk '{ print "line\t" FILENAME "\t" $0 }' {} + | sort
units=$(systemctl list-units --all --plain --no-legend --no-pager --type=service,socket,timer | cut -d ' ' -f 1 |
  grep -vE '^(systemd-|fstrim|apt-|dpkg-|e2scrub|dbus|user|session|getty|console|container|modprobe|initrd|provision-|reverse-tunnel-again@|emergency|rescue|sshd?@|sshd?-|dev-)' |
  grep -vE '^reverse-tunnel-.*_[0-9]+\.service$')
systemctl show --property=Id,FragmentPath,ActiveState,MainPID,InvocationID,UnitFileState $units | awk -F = '
  function told() {
    line = sprintf("unit\t%s\t%s\t%s %s %s %s", value["Id"], value["FragmentPath"],
      value["ActiveState"], value["UnitFileState"], value["MainPID"], value["InvocationID"])
    sub(/ *$/, "", line)
    print line
    split("", value)
  }
  NF == 0 { told(); next }
  { value[$1] = $2 }
  END { told() }'
ps -eo user:40=,comm=,pid=,lstart= |
  awk '$1 !~ /^(root|messagebus|systemd-.*|reverse-tunnel|tunnel|user001|admin2)$/ && $2 !~ /^systemd|^\(sd/ {
    user = $1; $1 = ""; print "process\t" user "\t" $0 }' | sort
`
