import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { lookAccess } from '../../playbooks/reverse-tunnel/look-access.ts'
import type { Change } from '../../src/resources/resource.ts'
import { parse } from '../inventory/parse.ts'
import { keysMade } from './ask.ts'

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJw watcher on w'
const of = (watch: object, more = {}) => {
  const inventory = parse(
    JSON.stringify({
      ...{ id: 'k7w2m9qd', gateways: { gw: {}, other: {} }, watch },
      devices: {
        a: { forwards: [{ gateway: 'gw', port: 9022, host: 'localhost', hostPort: 22 }] },
        b: {
          forwards: [{ gateway: 'gw', bindAddress: '*', expose: true, port: 9023, host: 'localhost', hostPort: 22 }],
        },
      },
      ...more,
    }),
  )
  return inventory.gateways.map((gateway) => lookAccess(gateway, inventory))
}
const wantedOf = (resources: ReturnType<typeof lookAccess> = [], id: string, now: string) => {
  const verdict = resources.find((one) => one.id.startsWith(id))?.diff(now, keysMade)
  if (typeof verdict !== 'object' || 'refused' in verdict) throw new Error(JSON.stringify(verdict))
  return verdict as Change
}
const [onGateway, elsewhere] = of({ keys: [key] })

describe('what lets a watcher look', () => {
  test('a key line that sshd reads, without a mark, which would make it a key of people', () => {
    const { text } = wantedOf(onGateway, 'file /etc/ssh/reverse-tunnel/look-k7w2m9qd/keys', 'absent\n')
    expect(text?.wanted).toBe(`# provision k7w2m9qd\nrestrict,port-forwarding ${key}\n`)
  })

  test('no session; its socket and the forwards, as a proof reaches them, are all that it may connect to', () => {
    const now = 'OpenSSH_10.0p2\nvalid\nabsent\n'
    const text = wantedOf(onGateway, 'sshd-settings 00-provision-look-k7w2m9qd', now).text?.wanted ?? ''
    for (const line of [
      'MaxSessions 0',
      'PermitOpen 127.0.0.1:9022 127.0.0.1:9023 [/ask]:*',
      'PermitListen none',
      'ChrootDirectory /run/provision-look-k7w2m9qd',
      'AllowTcpForwarding local',
    ])
      expect(text).toContain(`  ${line}\n`)
  })

  test('a gateway that no device dials has nothing of it, nor one of an inventory that names no key', () => {
    for (const resources of [elsewhere, of({})[0]]) {
      expect(resources?.map(({ id }) => id)).toEqual(['no watcher'])
      expect(resources?.[0]?.diff('', keysMade)).toBe('converged')
    }
    const { effect, saves } = wantedOf(
      of({})[0],
      'no watcher',
      'there\nlook-k7w2m9qd:x:993:993:provision k7w2m9qd:/nonexistent:/usr/sbin/nologin\n',
    )
    expect(effect).toBe('remove')
    expect(saves).toContain('/etc/ssh/reverse-tunnel/look-k7w2m9qd')
  })
})

describe('the program that looks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'provision-look-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const program = join(folder, 'program')
  const { text } = wantedOf(onGateway, 'file /etc/ssh/reverse-tunnel/look-k7w2m9qd/program', 'absent\n')
  writeFileSync(program, text?.wanted ?? '')
  /** What it answers to somebody who waits for it, or goes. */
  const ask = (lines: readonly string[], { goes = false } = {}) =>
    new Promise<string>((resolve) => {
      const child = spawn('dash', [program, 'tunnel', 'tunnel-'], { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      child.once('exit', () => {
        // systemd ends what is left.
        spawnSync('pkill', ['-KILL', '-s', String(child.pid)])
      })
      child.once('close', () => resolve(said))
      child.stdin.on('error', () => undefined)
      child.stdin.write(lines.map((line) => `${line}\n`).join(''))
      if (goes) child.stdin.end()
    })

  test('is POSIX shell', () => {
    expect(spawnSync('shellcheck', ['-s', 'sh', '-e', 'SC2086', program], { encoding: 'utf8' }).stdout).toBe('')
  })

  test('answers a question about tunnels, to its end', async () => {
    const stdout = await ask(['- 0', 'tunnel-a-x=/s/127.0.0.1_9022', 'tunnel=*:9023', 'tunnel=[::1]:9024', 'end'])
    expect(stdout).toMatch(/^uptime /m)
    expect(stdout.endsWith('\nend\n')).toBe(true)
  })

  test('ends when who has asked goes, however long it was to wait', async () => {
    const began = performance.now()
    expect(await ask(['s=1 3000', 'end'], { goes: true })).not.toContain('uptime')
    expect(performance.now() - began).toBeLessThan(20_000)
  })

  test.each([
    [['- 0', 'root=127.0.0.1:22', 'end']],
    [['- 0', 'tunnelx=/s/x_1', 'end']],
    [['- 0', 'tunnel-a=$(id)', 'end']],
    [['- 0', 'tunnel-a=/s/x_1;id', 'end']],
    [['- 0', "tunnel-a=/s/x' or 1", 'end']],
    [['`id` 0', 'end']],
    [['- 0; id', 'end']],
    [['- 99999', 'end']],
    [['']],
  ])('answers %j with nothing', async (lines) => {
    expect(await ask(lines)).toBe('')
  })

  test('answers a question that was cut short with nothing', async () => {
    expect(await ask(['- 0', 'tunnel-a-x=/s/127.0.0.1_9022'], { goes: true })).toBe('')
  })
})
