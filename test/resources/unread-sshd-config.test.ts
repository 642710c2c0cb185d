import { describe, expect, test } from 'vitest'
import { hostKeysOnDisk, parseSshd, type Sshd, unread } from '../../src/resources/unread-sshd-config.ts'
import { config, dropIns, observedSshd, type SshdState, service } from './sshd.ts'

/** Started at 500, as the clock of now says, which is 1000. */
const parsed = (how: SshdState = {}): Sshd => {
  const sshd = parseSshd(observedSshd(how))
  if (!sshd) throw new Error('no sshd')
  return sshd
}
const waiting = (how: SshdState) => unread(parsed(how), observedSshd(how)).map(({ path, says }) => [path, ...says])
const bob = { [config]: ['UsePAM yes', 'AllowUsers bob'] }
const stock = { [config]: ['UsePAM yes'] }

describe('sshd has read its configuration', () => {
  test('when it was started, by the clock of now', () => {
    expect(parsed({ read: 0 }).lastRead).toBe(500)
  })

  test('when it wrote its pid file last', () => {
    expect(parsed({ read: 800 }).lastRead).toBe(800.5)
  })

  test('not when another sshd wrote it, or another clock: then systemd knows the last reload', () => {
    const units = service(
      'ExecReload={ path=/bin/kill ; start_time=[Thu 1970-01-01 00:15:00 UTC] ; stop_time=[n/a] }\n',
    )
    expect(parsed({ read: 800, writer: '77', units }).lastRead).toBe(901)
    expect(parsed({ read: 5000, units }).lastRead).toBe(901)
    expect(parsed({ read: 800, writer: '77' }).lastRead).toBe(500)
    const ahead = units.replace('00:15', '00:45')
    expect(parsed({ read: 5000, units: ahead }).lastRead).toBe(500)
    const never = service('ExecReload={ path=/bin/kill ; start_time=[n/a] ; stop_time=[n/a] }\n')
    expect(parsed({ read: 800, writer: '77', units: never }).lastRead).toBe(500)
  })

  test('no earlier than it was started, though the clock of then was behind', () => {
    expect(parsed({ read: 20 }).lastRead).toBe(500)
  })
})

describe('where we never had it reload, time alone decides', () => {
  test('a file from before is in force, one from after waits with all that it says', () => {
    expect(waiting({ files: bob, changed: { [config]: 499 } })).toEqual([])
    expect(waiting({ files: bob, changed: { [config]: 700 } })).toEqual([[config, 'UsePAM yes', 'AllowUsers bob']])
    expect(waiting({ files: bob, changed: { [config]: 700 }, read: 700 })).toEqual([])
  })

  test('one that says nothing, a folder, and a time that is still to come say nothing', () => {
    expect(waiting({ files: { [config]: [] }, changed: { [config]: 700 } })).toEqual([])
    expect(waiting({ files: bob, changed: { [dropIns]: 700 } })).toEqual([])
    expect(waiting({ files: bob, changed: { [config]: 1500 } })).toEqual([])
  })
})

describe('where it is written down what it read', () => {
  test('a file that reads the same is in force, whatever its time is', () => {
    expect(waiting({ files: bob, inForce: bob, changed: { [config]: 700 } })).toEqual([])
    expect(
      waiting({ files: bob, inForce: { [config]: ['UsePAM   yes ', '\tAllowUsers bob'] }, changed: { [config]: 700 } }),
    ).toEqual([])
  })

  test('of one that was changed since, what is new and what is gone waits', () => {
    expect(waiting({ files: bob, inForce: stock, changed: { [config]: 700 } })).toEqual([[config, '+ AllowUsers bob']])
    expect(waiting({ files: stock, inForce: bob, changed: { [config]: 700 } })).toEqual([[config, '- AllowUsers bob']])
    const order = { [config]: ['AllowUsers bob', 'UsePAM yes'] }
    expect(waiting({ files: order, inForce: bob, changed: { [config]: 700 } })).toEqual([
      [config, 'the same lines in another order or number'],
    ])
  })

  test('of one that somebody else has had it read since, nothing', () => {
    expect(waiting({ files: bob, inForce: stock, changed: { [config]: 700 }, read: 750 })).toEqual([])
  })

  test('a file that came waits, a file that went waits, when its folder was changed since', () => {
    const drop = `${dropIns}/50-x.conf`
    const more = { ...stock, [drop]: ['Port 2222'] }
    expect(waiting({ files: more, inForce: stock, changed: { [drop]: 700 } })).toEqual([[drop, '+ Port 2222']])
    expect(waiting({ files: stock, inForce: more, changed: { [dropIns]: 700 } })).toEqual([[drop, '- Port 2222']])
    expect(waiting({ files: stock, inForce: more, changed: { [dropIns]: 400 } })).toEqual([])
  })

  test('ours that goes without a reload is nobody’s edit', () => {
    const enrol = { ...stock, [`${dropIns}/00-reverse-tunnel-enrol.conf`]: ['Match User enrol'] }
    expect(waiting({ files: stock, inForce: enrol, changed: { [dropIns]: 700 } })).toEqual([])
  })
})

test('host keys on disk, and which of them were written after sshd had read its own', () => {
  const keys = ['ssh-ed25519 AAAAone /etc/ssh/one', 'ssh-rsa AAAAtwo /etc/ssh/two']
  const how = { keys, changed: { '/etc/ssh/one': 700, '/etc/ssh/two': 100 } }
  expect(hostKeysOnDisk(parsed(how), observedSshd(how))).toEqual({
    all: ['ssh-ed25519 AAAAone', 'ssh-rsa AAAAtwo'],
    unread: ['ssh-ed25519 AAAAone'],
  })
})

test('nothing is said of a host where none listens', () => {
  expect(parseSshd('')).toBeUndefined()
})
