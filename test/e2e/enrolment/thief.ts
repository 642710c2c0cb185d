import type { Seed } from '../../../src/image/seed/seed.ts'
import type { Machine } from '../../../src/lab/index.ts'
import { place } from '../kit.ts'

export interface Loot {
  readonly gateway: string
  readonly account: string
  readonly seed: Seed
}

const partOf = ({ files }: Seed, name: string) => files.find(({ path }) => path.endsWith(name))?.content ?? ''

/** Puts what the card has into a folder of that gateway's, and gives the words with which ssh uses it. */
async function take(machine: Machine, { seed, gateway }: Loot): Promise<{ loot: string; ssh: string }> {
  const loot = `/root/loot-${gateway}`
  await machine.sh(`mkdir -p ${loot}`)
  await place(machine, { path: `${loot}/key`, text: partOf(seed, '/enrolment/key') })
  await place(machine, { path: `${loot}/known_hosts`, text: partOf(seed, '/known_hosts') })
  const options = ['IdentitiesOnly=yes', 'BatchMode=yes', 'LogLevel=ERROR', 'ConnectTimeout=15']
  const words = [...options, `UserKnownHostsFile=${loot}/known_hosts`].map((word) => `-o ${word}`)
  return { loot, ssh: `-F none -i ${loot}/key ${words.join(' ')}` }
}

/** sshd counts refused keys against an address, so these come last. */
const refusedByKey = 'the tunnel account of a device'

/** What comes through when the key of a card is used for anything else; `nothing`, or what the gateway said. */
export async function thief(machine: Machine, loot: Loot): Promise<Record<string, string>> {
  const { ssh, loot: folder } = await take(machine, loot)
  const { gateway, account } = loot
  const at = `${account}@${gateway}`
  // One that no other attempt of this machine uses.
  const port = 7000 + gateway.length
  const answer = `grep -v -e 'hdir to home' | grep . | tail -n 1`
  const attempts: Record<string, string> = {
    shell: `echo 'echo through' | ssh ${ssh} ${at} | ${answer}`,
    command: `ssh ${ssh} ${at} 'echo through' </dev/null 2>&1 | ${answer}`,
    terminal: `ssh -tt ${ssh} ${at} </dev/null 2>/dev/null | tr -d '\\r' | ${answer}`,
    sftp: `echo 'get /etc/hostname ${folder}/hostname' | timeout 4 sftp ${ssh} -b - ${at} >/dev/null 2>&1; cat ${folder}/hostname 2>/dev/null`,
    'scp of the enrolments': `timeout 4 scp -O ${ssh} ${at}:/etc/ssh/reverse-tunnel/enrolments ${folder}/stolen >/dev/null 2>&1; cat ${folder}/stolen 2>/dev/null`,
    '-L to the gateway itself': `ssh ${ssh} -N -L 127.0.0.1:${port}:127.0.0.1:22 ${at} 2>/dev/null & ssh=$!; for n in 1 2 3 4 5 6; do sleep 0.5; timeout 3 bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port} && head -c 4 <&3' 2>/dev/null && break; done; kill $ssh 2>/dev/null`,
    '-W to its sshd': `timeout 3 ssh ${ssh} -W 127.0.0.1:22 ${at} </dev/null 2>/dev/null | head -c 4`,
    '-R a port': `timeout 5 ssh ${ssh} -N -o ExitOnForwardFailure=yes -R 127.0.0.1:7002:127.0.0.1:22 ${at} 2>/dev/null; [ $? != 124 ] || echo it stands`,
    '-R a socket': `timeout 5 ssh ${ssh} -N -o ExitOnForwardFailure=yes -R /tmp/thief:127.0.0.1:22 ${at} 2>/dev/null; [ $? != 124 ] || echo it stands`,
    [refusedByKey]: `for account in tunnel root user001; do timeout 5 ssh ${ssh} $account@${gateway} 'echo through' 2>/dev/null; done`,
  }
  const attempt = async ([name, script]: readonly [string, string]) => {
    const { stdout } = await machine.exec(['bash', '-c', script], { timeoutMs: 60_000 })
    return [name, stdout.trim() || 'nothing'] as const
  }
  const all = Object.entries(attempts)
  const first = await Promise.all(all.filter(([name]) => name !== refusedByKey).map(attempt))
  const last = await Promise.all(all.filter(([name]) => name === refusedByKey).map(attempt))
  return Object.fromEntries([...first, ...last])
}

export interface Request extends Loot {
  readonly name?: string
  readonly token?: string
  /** The new tunnel key, kept on that machine under this name. */
  readonly key?: string
  readonly damage?: 'message' | 'signature' | 'own key'
}

/** One request as the first boot makes it, or with something in it that is not the card's own; the gateway's answer. */
export async function handIn(machine: Machine, request: Request): Promise<string> {
  const { ssh, loot } = await take(machine, request)
  const { gateway, account, seed, key = 'stolen', damage } = request
  const words = partOf(seed, '/enrolment/request')
  const name = request.name ?? /^name (\S+)$/m.exec(words)?.[1] ?? ''
  const token = request.token ?? /^token (\S+)$/m.exec(words)?.[1] ?? ''
  const script = `cd /root
[ -e ${key} ] || ssh-keygen -q -t ed25519 -N '' -f ${key}
[ -e other ] || ssh-keygen -q -t ed25519 -N '' -f other
cd ${loot} && rm -f message*
{ echo 'provision enrolment 1'; echo 'name ${name}'; echo 'token ${token}'; echo "key $(cut -d ' ' -f 1,2 ../${key}.pub)"
  echo "host-key $(cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)"; } >message
ssh-keygen -q -Y sign -f ${damage === 'own key' ? '../other' : 'key'} -n provision-enrolment message 2>/dev/null
${damage === 'message' ? `sed -i "s#^key .*#key $(cut -d ' ' -f 1,2 ../other.pub)#" message` : ''}
${damage === 'signature' ? `sed -i '3s/^....../AAAAAA/' message.sig` : ''}
echo "$(base64 -w0 <message) $(base64 -w0 <message.sig)" | ssh ${ssh} -T ${account}@${gateway} 2>&1 | tail -n 1`
  const { stdout } = await machine.exec(['bash', '-c', script], { timeoutMs: 60_000 })
  return stdout.trim()
}
