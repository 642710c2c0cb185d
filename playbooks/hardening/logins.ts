import type { Device, Gateway, Setting } from '../../src/index.ts'

/**
 * sshd from 9.8 on refuses an address for a while after refused logins. Whoever comes through a tunnel is 127.0.0.1 to the
 * device. To the gateway a whole site is one address: a wrong key tried every 2 s stays below the 15 s from which sshd
 * acts, and what several of them add up to is over after 30 s. What the administrator wrote about it counts.
 */
export function penalties({ role }: Gateway | Device): Setting[] {
  if (role === 'device') return [['PerSourcePenaltyExemptList', '127.0.0.1,::1', { since: '9.8', yields: true }]]
  const mild = 'authfail:1 noauth:1 grace-exceeded:5 max:30 min:15'
  return [
    ['PerSourcePenalties', mild, { since: '9.8', before: '10.3', yields: true }],
    ['PerSourcePenalties', `${mild} invaliduser:1`, { since: '10.3', yields: true }],
  ]
}

/** provision itself offers nothing but keys, so that every login of its own proves that a key is enough. */
export const passwordsOff: readonly Setting[] = [
  ['PasswordAuthentication', 'no', { always: true }],
  ['KbdInteractiveAuthentication', 'no', { always: true }],
]
