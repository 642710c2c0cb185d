import { execFileSync, spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { holders, parseFacts, properties } from '../../src/doctor/facts.ts'
import { deviceScript, gatewayScript } from '../../src/doctor/scripts.ts'
import { caseOf, healthy } from './chain.ts'

const { tunnel } = caseOf(healthy())
// Nobody answers there: a try is over at once.
const away = { ...tunnel, gateway: { ...tunnel.gateway, dial: { address: '127.0.0.1', port: 1 } } }
const scripts = {
  gateway: gatewayScript(tunnel),
  shared: gatewayScript({ ...tunnel, listener: 'sshd' }),
  device: deviceScript(away),
}

test.each(Object.entries(scripts))(
  'what the %s is asked is read by dash and by shellcheck without a complaint',
  (_, script) => {
    expect(spawnSync('dash', ['-n'], { input: script }).stderr.toString()).toBe('')
    // SC2317, SC2329: functions that are called by the name of a fact.
    const options = ['-s', 'sh', '-e', 'SC2317,SC2329', '-']
    expect(spawnSync('shellcheck', options, { input: script }).stdout.toString()).toBe('')
  },
)

test.each(Object.entries(scripts))('the %s tells what it can where nothing of it is there', (_, script) => {
  const ran = spawnSync('dash', ['-s'], { input: script, timeout: 60_000 })
  const facts = parseFacts(ran.stdout)
  expect(Number(facts.get('now'))).toBeGreaterThan(1_700_000_000)
  expect(facts.size).toBeGreaterThan(9)
})

test('what was cut short asks nothing', () => {
  const half = scripts.device.slice(0, scripts.device.length - 30)
  expect(
    execFileSync('dash', ['-s'], { input: half.slice(0, half.lastIndexOf('\n') + 1), stdio: 'pipe' }).toString(),
  ).toBe('')
})

test('only an sshd is greeted: what else stands behind a forward might take a greeting for work', () => {
  const [forward] = tunnel.forwards
  if (!forward) throw new Error('no forward')
  const printer = { ...forward, host: '192.0.2.9', hostPort: 9100 }
  expect(scripts.device).toContain('/run/t/control yes localhost 22\n')
  expect(deviceScript({ ...away, forwards: [printer] })).toContain('/run/t/control yes\n')
})

test('facts are read back as they were told', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const told = parseFacts(Buffer.from(`noise\n@fact a ${base64('ä\nb=c=d\n')}\n@fact b \n@fact cut`))
  expect([...told]).toEqual([
    ['a', 'ä\nb=c=d\n'],
    ['b', ''],
  ])
  expect(properties(told.get('a'))).toEqual({ b: 'c=d' })
  expect(properties(undefined)).toEqual({})
})

test('who holds a port, with the unit that it belongs to', () => {
  const text = `LISTEN 0      5          [::1]:9022       [::]:*    users:(("nc",pid=7,fd=3),("sh",pid=8,fd=3))
LISTEN 0      5          127.0.0.1%lo:9022       0.0.0.0:*
process 7 x.service joe nc -l 9022
process 8 - root sh
`
  expect(holders(text)).toEqual([
    { address: '::1', program: 'nc', pid: 7, unit: 'x.service', user: 'joe', command: 'nc -l 9022' },
    { address: '::1', program: 'sh', pid: 8, unit: undefined, user: 'root', command: 'sh' },
  ])
})
