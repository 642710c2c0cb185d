import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ofA, ofB, type Step } from './doctor/courses.ts'
import { a, b, inventory, kitOf, named, shared, socket, unit } from './doctor/kit.ts'
import { onDevice } from './doctor/on-device.ts'
import { onGateway, onSharedGateway } from './doctor/on-gateway.ts'
import { type Rehearsal, rehearse, states } from './kit.ts'

/**
 * Links of tunnels are broken one after another, from the far end of the chain to its beginning: the first broken one is
 * what the doctor has to name, so what was broken before stays as it is, and is named again when its predecessor is mended.
 */

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory)
  const { code, report, stderr } = await it.report([it.file])
  expect({ code, states: states(report), stderr: code === 0 ? '' : stderr }).toEqual({
    ...{ code: 0, states: ['ok', 'ok', 'ok'], stderr: '' },
  })
}, 300_000)
afterAll(() => it?.down())

const kit = kitOf(() => it)
const { machine, inside, holds, doctor, diagnosis, account, mended } = kit

test('a healthy tunnel is healthy at every link, with both listeners, and nothing was touched', async () => {
  const before = await inside(a, `systemctl show ${unit(socket)} --property=MainPID,ActiveEnterTimestamp`)
  const [one, two] = await Promise.all([doctor(a), doctor(b)])
  for (const { code, report } of [one, two]) {
    expect(report.tunnels.flatMap(({ links }) => links.filter(({ state }) => state !== 'ok'))).toEqual([])
    expect({ code, exitCode: report.exitCode, via: report.via }).toEqual({ code: 0, exitCode: 0, via: 'direct' })
    expect(report.tunnels[0]?.links).toHaveLength(17)
  }
  expect(await inside(a, `systemctl show ${unit(socket)} --property=MainPID,ActiveEnterTimestamp`)).toBe(before)
  const { code, stdout } = await it.provision(['doctor', it.file, '--device', a])
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /^✓ ok {8}key +ssh-gw\.guest\.internal accepts the login of host-a\.lan\.internal with SHA256:/m,
  )
  expect(stdout).toMatch(/\nnothing is wrong, \d+\.\d s\n$/)
})

test('wrong words touch nothing', async () => {
  const nobody = await it.provision(['doctor', it.file, '--device', 'nobody'])
  expect(nobody).toMatchObject({ code: 2, stderr: expect.stringContaining('no such host in the inventory: nobody') })
  expect(await it.provision(['doctor', it.file])).toMatchObject({ code: 2 })
})

describe('what the doctor says of it mends it', () => {
  test.each([...onDevice(kit), ...onGateway(kit), ...onSharedGateway(kit)])(
    '$of.0: $what',
    async ({ of, breaks, on = of[0], link, says, by, clear }) => {
      await (typeof breaks === 'string' ? inside(on, breaks) : breaks())
      try {
        const found = await diagnosis(...of)
        expect(found).toMatchObject(named(link, says, /./))
        const isProved = by ? await by(found) : await kit.carryOut(found.mend ?? '')
        if (isProved !== true) await well(of[0])
      } finally {
        await clear?.()
      }
    },
  )
})

/** A tunnel that was cut comes up by itself. */
async function well(device: string): Promise<void> {
  for (const gateway of device === a ? [socket] : [socket, shared])
    await holds(device, `systemctl is-active --quiet ${unit(gateway)}`)
  const { report } = await doctor(device)
  expect(report.tunnels.flatMap(({ links }) => links.filter(({ state }) => state !== 'ok'))).toEqual([])
}

/** Down the chain, and up again. */
function course(device: string, gateway: string, steps: readonly Step[]): void {
  test.each(steps)(`${device.split('.')[0]}: $what`, async ({ breaks, link, says, mend }) => {
    await breaks()
    expect(await diagnosis(device, gateway)).toMatchObject(named(link, says, mend))
  })
}

course(a, socket, ofA(kit))

test('host-a: what mends each link does, and the next one is named, up to a tunnel that works', async () => {
  await machine(a).learnNames()
  expect((await diagnosis(a)).link).toBe('route')
  await inside(a, 'ip route add default via 10.78.0.1')
  expect((await diagnosis(a)).link).toBe('firewall')
  await inside(a, 'nft delete table inet doctor')
  expect((await diagnosis(a)).link).toBe('account')
  await inside(socket, 'systemctl stop stranger.service')
  await mended(socket, a)
  expect((await diagnosis(a)).link).toBe('clock')
  await inside(a, 'rm /usr/local/bin/date')
  expect((await doctor(a)).report).toMatchObject({ exitCode: 0 })
})

course(b, shared, ofB(kit))

test('host-b: what mends each link does, and the next one is named, up to a tunnel that works', async () => {
  await inside(shared, `echo 'Port 22' >>/etc/ssh/sshd_config.d/lab.conf; systemctl restart ssh`)
  expect((await diagnosis(b, shared)).link).toBe('account')
  await inside(shared, 'chage -E -1 tunnel')
  expect((await diagnosis(b, shared)).link).toBe('listener')
  await inside(shared, 'systemctl stop stranger.service')
  await mended(shared, b)
  expect((await doctor(b)).report).toMatchObject({ exitCode: 0 })
})

// From the guest network nobody calls a device: it is reached through its forward on the other gateway, if it has one.
const keptOut = `/etc/ssh/sshd_config.d/00-a.conf`
test('host-b: too many logins are under way from its network', async () => {
  await inside(shared, `echo 'PerSourceMaxStartups 1' >${keptOut}; systemctl restart ssh`)
  const dial = `$socket = IO::Socket::INET->new("${shared}:22") or die; <$socket>; sleep 100`
  await inside(b, `systemd-run --quiet --unit=hold perl -MIO::Socket::INET -e '${dial.replaceAll('$', '$$$$')}'`)
  await holds(b, `ss -Htnp state established 'dport = :22' | grep -q perl`)
  const found = await diagnosis(b, shared, 'guest')
  await inside(b, 'systemctl stop hold')
  expect(found).toMatchObject(
    named('penalties', /too many logins under way from 10\.77\.0\.1 .*\(MaxStartups/, 'MaxStartups'),
  )
})

test('host-b: the address that it comes from is kept out, because of a neighbour', async () => {
  await inside(shared, `echo 'PerSourcePenalties authfail:90s min:15s' >${keptOut}; systemctl restart ssh`)
  const knock = `ssh -F none -p 22 -i /root/wrong -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null user001@${shared}`
  await inside(a, `ssh-keygen -q -t ed25519 -N '' -f /root/wrong; ! ${knock} 2>/dev/null`)
  const found = await diagnosis(b, shared, 'guest')
  await inside(shared, `rm ${keptOut}; systemctl restart ssh`)
  expect(found).toMatchObject(
    named(
      'penalties',
      /refuses every connection from 10\.77\.0\.1 .*failed authentication.*: refused logins: \d as user001/,
      'provision',
    ),
  )
})

test('host-a: nobody can log in to it, and its gateway hears a key that it refuses', async () => {
  const name = await account('host-a')
  const other = `$(cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)`
  const file = `/etc/ssh/reverse-tunnel/keys/${name}`
  await inside(socket, `cp ${file} /root/; sed -i "s#ssh-ed25519 [^ ]*#${other}#" ${file}; pkill -KILL -u ${name}`)
  await holds(socket, `[ "$(journalctl -q -t sshd-session | grep -c 'authenticating user ${name}')" -gt 1 ]`)
  const found = await diagnosis(a, socket, 'guest')
  await inside(socket, `cp /root/${name} ${file}`)
  await holds(a, `systemctl is-active --quiet ${unit(socket)}`)
  expect(found).toMatchObject(
    named(
      'key',
      /^ssh-gw\.guest\.internal refuses the key that host-a\.lan\.internal offers \((once|\d+ times) in the last minute\)/,
      'where host-a.lan.internal can be reached: provision',
    ),
  )
})

test('host-a: its power is cut, and the gateway tells what it knows', async () => {
  await machine(a).kill()
  const { report, code } = await doctor(a)
  const links = report.tunnels[0]?.links ?? []
  expect({ code, ...links.at(-1) }).toMatchObject(
    named(
      'forward',
      /is stale: host-a\.lan\.internal cannot be asked; its last session began \d+ \w+ ago \(\S+Z\) from 10\.77\.0\.1 and is still open as far as sshd knows/,
      'somebody on site at host-a.lan.internal: does it have power',
    ),
  )
  expect(links.filter(({ state }) => state === 'unseen').map(({ link }) => link)).toEqual(
    expect.arrayContaining(['device', 'gateway host key', 'unit', 'clock', 'device sshd', 'host key']),
  )
})

test('a gateway that cannot be asked is the first link', async () => {
  await inside(shared, 'systemctl stop ssh')
  const found = await diagnosis(b, shared)
  expect(found).toMatchObject({ code: 3, link: 'gateway', state: 'broken' })
  expect(found.says).toMatch(
    /cannot be asked: ssh-gw2\.guest\.internal port 2222: connection refused: nothing listens there; host-b\.lan\.internal cannot log in there either: .*Connection refused/,
  )
})
