import { describe, expect, test } from 'vitest'
import { type Chain, healthy } from '../chain.ts'
import { judged } from './case.ts'

/** What each side shows in the place of a fact whose program is not there. */
const facts: Readonly<Record<string, Partial<Record<'gateway' | 'device', readonly string[]>>>> = {
  ss: { gateway: ['dial', 'port-9022', 'sessions'] },
  getent: { device: ['resolve', 'routes'] },
  ip: { device: ['routes'] },
  'ssh-keygen': { gateway: ['fingerprints', 'logins'], device: ['key'] },
  'ssh-keyscan': { device: ['target-22'] },
  sshd: { gateway: ['test', 'settings'], device: ['sshd-test', 'sshd-listens'] },
}

function without(program: string): Chain {
  const chain = healthy()
  for (const side of ['gateway', 'device'] as const) {
    const lost = facts[program]?.[side]
    if (!lost) continue
    chain[side].set('missing', `${program}\n`)
    for (const name of lost) chain[side].set(name, name === 'fingerprints' ? '' : `sh: 12: ${program}: not found\n`)
  }
  return chain
}

describe('a program that is not there is no finding', () => {
  test.each(Object.keys(facts))('%s', (program) => {
    expect(judged(without(program)).filter(({ state }) => state === 'broken')).toEqual([])
  })

  test('and what only it could tell is not called well either', () => {
    expect(judged(without('ss')).find(({ link }) => link === 'listener')).toEqual({
      link: 'listener',
      state: 'unseen',
      says: 'gw has no program ss(8), which tells who holds a port',
    })
  })

  test('but a device without ssh cannot dial', () => {
    const chain = healthy()
    chain.device.set('missing', 'ssh\n').set('try', "timeout: failed to run command 'ssh': No such file or directory\n")
    expect(judged(chain).at(-1)).toMatchObject({
      link: 'device',
      says: 'dev has no program ssh(1), which dials',
      mend: expect.stringMatching(/^on dev: apt-get install openssh-client; then provision inv\.json --limit dev$/),
      mendedBy: 'hand',
    })
  })
})
