import type { Device, Setting } from '../../src/index.ts'

/** A stock sshd speaks to ten who have not logged in yet. Two places are left for people. */
const few = 8

/**
 * sshd from 9.8 on refuses an address for a while after refused logins. Whoever comes through a tunnel is 127.0.0.1 to
 * the device. What the administrator wrote about it counts.
 */
export const dialling = ({ forwards }: Device): Setting[] =>
  forwards.length === 0 ? [] : [['PerSourcePenaltyExemptList', '127.0.0.1,::1', { since: '9.8', yields: true }]]

/** A gateway that so many devices dial. */
export const dialledBy = (count: number): Setting[] => (count === 0 ? [] : [...penalties(count), ...crowd(count)])

/**
 * To the gateway a whole site is one address: a wrong key tried every 2 s stays below the 15 s from which sshd acts,
 * and what several of them add up to is over after 30 s. Where many dial at once, those that gave up before they were
 * served are not counted.
 */
function penalties(dialling: number): Setting[] {
  const mild = `authfail:1 noauth:${dialling > few ? 0 : 1} grace-exceeded:5 max:30 min:15`
  return [
    ['PerSourcePenalties', mild, { since: '9.8', before: '10.3', yields: true }],
    ['PerSourcePenalties', `${mild} invaliduser:1`, { since: '10.3', yields: true }],
  ]
}

/**
 * After a gateway was away all its devices dial it in the same moment, and many share an address. All of them may be
 * under way at once, and as many others beside them as a stock sshd accepts (MaxStartups 10:30:100); one address cannot
 * take more than the whole fleet needs. Measured in bench/herd.md.
 */
function crowd(dialling: number): Setting[] {
  if (dialling <= few) return []
  const fleet = dialling + 10
  return [
    ['MaxStartups', `${fleet + 10}:30:${Math.max(100, 2 * fleet)}`, { yields: true }],
    ['PerSourceMaxStartups', String(fleet), { since: '8.5', yields: true }],
  ]
}

/** provision itself offers nothing but keys, so that every login of its own proves that a key is enough. */
export const passwordsOff: readonly Setting[] = [
  ['PasswordAuthentication', 'no', { always: true }],
  ['KbdInteractiveAuthentication', 'no', { always: true }],
]
