import { expect, test } from 'vitest'
import { healthy } from '../chain.ts'
import { judged, log } from './case.ts'

const refusal = 'a tunnel could not log in: User tunnel-dev from 10.0.0.9 not allowed because not listed in AllowUsers'

test('what a run would mend is mended by a run', () => {
  const chain = healthy()
  chain.gateway.set('account', '')
  expect(judged(chain).at(-1)).toMatchObject({
    ...{ link: 'account', says: 'gw has no account tunnel-dev', mendedBy: 'run' },
    mend: 'provision inv.json --limit gw --limit dev',
  })
})

test.each([
  ['undone', 'was undone'],
  ['rejected', 'was refused there'],
  ['undo-failed', 'was undone'],
])('but not where the last one was %s: what was in its way comes first', (outcome, words) => {
  for (const side of ['gateway', 'device'] as const) {
    const chain = healthy()
    chain.gateway.set('account', '')
    chain[side].set('last-run', `${outcome}\n${refusal}\n`)
    const name = side === 'gateway' ? 'gw' : 'dev'
    expect(judged(chain).at(-1)).toMatchObject({
      link: 'account',
      says: `gw has no account tunnel-dev; the last run on ${name} ${words}: ${refusal}`,
      mend: `first what was in the way of that run on ${name}; then provision inv.json --limit gw --limit dev`,
      mendedBy: 'hand',
    })
  }
})

test.each(['confirmed', 'taken-back'])('a last run that was %s is in nobody’s way', (outcome) => {
  const chain = healthy()
  chain.gateway.set('account', '').set('last-run', `${outcome}\n`)
  expect(judged(chain).at(-1)?.mendedBy).toBe('run')
})

test('a key whose line is right and that sshd refuses is mended by no run', () => {
  const chain = healthy()
  const said = 'Authentication refused: bad ownership or modes for directory /etc/ssh'
  chain.device.set(
    'try',
    `${chain.device.get('try')?.split('Authenticated')[0]}tunnel-dev@gw: Permission denied (publickey).\n`,
  )
  const closed = 'Connection closed by authenticating user tunnel-dev 10.0.0.9 port 4 [preauth]'
  chain.gateway.set('log', log(2, said) + log(1, closed)).set('logins', '')
  expect(judged(chain).at(-1)).toMatchObject({
    ...{ link: 'key', says: `gw refuses the key of dev: ${said}`, mendedBy: 'hand' },
    mend: 'on gw: chown root:root /etc/ssh; chmod go-w /etc/ssh',
  })
})
