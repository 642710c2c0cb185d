import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keysRefused } from '../../playbooks/reverse-tunnel/removal.ts'
import { outcomes, type Rehearsal, rehearse, states } from './kit.ts'

const [gateway, near, inner, stolen] = [
  'ssh-gw.guest.internal',
  'host-a.lan.internal',
  'host-b.lan.internal',
  'host-c.lan.internal',
]
const text = `// Machines of the site.
{
  "login": { "user": "user001" },
  "gateways": { "${gateway}": {} },
  "devices": {
    // stays until the end
    "${near}": { "forwards": ["127.0.0.1:9022:localhost:22"] },
    "${inner}": { "forwards": ["127.0.0.1:9023:localhost:22"], "via": ["forward"] }, // behind its own door
    "${stolen}": { "forwards": [{ "port": 9024, "host": "localhost", "hostPort": 22, "gateway": "${gateway}" }] },
  },
}
`
const env = { PROVISION_KNOWN_HOSTS: '' }

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(text.replace(', "via": ["forward"]', ''))
  await it.provision(['trust', it.file, '--yes'], { env })
  const { code, stderr } = await it.provision([it.file], { env, timeoutMs: 240_000 })
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  await it.rewrite(text)
}, 400_000)
afterAll(() => it?.down())

const inside = async (name: string, script: string) => (await it.lab.machine(name).sh(script)).stdout.trim()
const run = (...words: string[]) => it.report([...words, '--timeout', '5'], { env, timeoutMs: 240_000 })
const remove = (name: string) => run('remove', it.file, '--device', name)
const ours = `ls -d /etc/reverse-tunnel /etc/systemd/system/reverse-tunnel-* /etc/systemd/system/*/reverse-tunnel-* 2>/dev/null; getent passwd reverse-tunnel; pgrep -a ssh -u reverse-tunnel`
const proved = (name: string, port: number) => [
  `holds the key of ${name} is refused`,
  `holds nothing listens on port ${port}`,
  `holds ${name} has no account here`,
  `holds ${name} has no process here`,
  `holds ${name} has no file and no unit here`,
]
const accounts = () => inside(gateway, `getent passwd | grep ^tunnel- | wc -l`)

test('the proof of a refused key is no empty word: a key that is let in fails it', async () => {
  const account = await inside(gateway, `getent passwd | grep -o '^tunnel-host-a[^:]*'`)
  const key = await inside(near, `cut -d ' ' -f 1,2 /etc/reverse-tunnel/id_ed25519.pub`)
  const script = keysRefused(account, [key])?.text ?? ''
  expect(await it.lab.machine(gateway).sh(script)).toMatchObject({ code: 1, stderr: 'the key is accepted\n' })
  const wrong = keysRefused('tunnel-nobody', [key])?.text ?? ''
  expect(await it.lab.machine(gateway).sh(wrong)).toMatchObject({ code: 0 })
})

test('a check in whose midst its account goes, as it does when a device is cleared, lets the tunnel live', async () => {
  const client = `pgrep -u reverse-tunnel -f 'ssh -f -N'`
  const before = await inside(near, client)
  const said = await inside(
    near,
    `set -- /etc/systemd/system/reverse-tunnel-*-check.service
    command=$(sed -n 's|^ExecStart=/bin/sh \\(.*\\) [0-9]*$|\\1 0.2|p' "$1")
    setpriv --reuid=reverse-tunnel --clear-groups sh $command 2>&1 &
    sleep 1
    cp -a /etc/passwd /etc/passwd.kept
    sed -i '/^reverse-tunnel:/d' /etc/passwd
    sleep 1
    mv /etc/passwd.kept /etc/passwd
    kill $!`,
  )
  expect(said).toBe('')
  expect(before).toMatch(/^\d+$/)
  expect(await inside(near, client)).toBe(before)
})

test('a device that is reached through its own forward only is cleared, and then forgotten', async () => {
  const { code, report, stderr } = await remove(inner)
  expect({ code, hosts: outcomes(report), errors: report.hosts.map(({ error }) => error) }).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${inner} changed`],
    errors: [undefined, undefined],
  })
  const of = (host: string) =>
    report.proofs?.filter((proof) => proof.host === host).map(({ state, what }) => `${state} ${what}`)
  expect(of(gateway)).toEqual(proved(inner, 9023))
  expect(report.hosts[1]?.via).toBe('forward')
  expect(await inside(inner, ours)).toBe('')
  expect(await accounts()).toBe('2')
  expect(await inside(gateway, `ls /run/reverse-tunnel /etc/ssh/reverse-tunnel/keys | grep -c host-b`)).toBe('0')
  expect(stderr).toContain(`${inner}: its lines were removed from`)
  expect(await readFile(join(it.folder, 'known_hosts'), 'utf8')).not.toContain(inner)
  const left = await readFile(it.file, 'utf8')
  expect(left).toContain('// stays until the end')
  expect(left).not.toContain(inner)
}, 300_000)

test('a device that was stolen is locked out, and the report says what nobody could do on it', async () => {
  await it.lab.machine(stolen).cut()
  const { code, report, stderr } = await remove(stolen)
  expect({ code, hosts: outcomes(report) }).toEqual({
    code: 3,
    hosts: [`${gateway} changed`, `${stolen} unreachable`],
  })
  const of = (host: string) =>
    report.proofs?.filter((proof) => proof.host === host).map(({ state, what }) => `${state} ${what}`)
  expect(of(gateway)).toEqual(proved(stolen, 9024))
  expect(of(stolen)).toHaveLength(2)
  expect(of(stolen)?.every((row) => row.startsWith('untried'))).toBe(true)
  expect(stderr).toContain(`${stolen} itself was not reached: it still has its key, which every gateway now refuses`)
  expect(await readFile(it.file, 'utf8')).not.toContain(stolen)
  // It comes back, and knocks in vain.
  await it.lab.machine(stolen).mend()
  const said = await inside(
    stolen,
    `systemctl restart 'reverse-tunnel-${gateway}.service'; journalctl -q -u 'reverse-tunnel-*' -n 20`,
  )
  expect(said).toContain('Permission denied')
  expect(await inside(gateway, `ss -Hltn 'sport = :9024'`)).toBe('')
}, 300_000)

test('the others never noticed', async () => {
  const { code, report } = await run(it.file)
  expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
    code: 0,
    hosts: [`${gateway} ok`, `${near} ok`],
    states: ['ok'],
  })
}, 200_000)

test('after the last device nothing of ours is left on the gateway', async () => {
  const { code, report } = await remove(near)
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 0, hosts: [`${gateway} changed`, `${near} changed`] })
  const states = report.proofs?.map(({ host, state, what }) => `${host} ${state} ${what}`) ?? []
  expect(states.filter((row) => !row.includes(' holds '))).toEqual([])
  expect(states).toContain(`${near} holds it no longer dials`)
  expect(await inside(near, ours)).toBe('')
  const left = `ls -d /etc/ssh/reverse-tunnel /etc/ssh/sshd_config.d/*reverse* /etc/tmpfiles.d/reverse* /run/reverse-tunnel /etc/systemd/system/*reverse* /etc/systemd/system/user@* /etc/systemd/system/*/reverse* 2>/dev/null`
  expect(await inside(gateway, left)).toBe('')
  expect(await accounts()).toBe('0')
}, 300_000)

test('no such device', async () => {
  const { code, stderr } = await it.provision(['remove', it.file, '--device', 'nobody'], { env })
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no such host in the inventory: nobody'),
  })
})
