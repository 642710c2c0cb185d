import { describe, expect, test } from 'vitest'
import { walk } from '../../../src/doctor/links.ts'
import { type Chain, caseOf, healthy, now } from '../chain.ts'

/** What is taken from a tunnel that works, and what is said of it then. */
interface Broken {
  readonly when: string
  readonly with: (chain: Chain) => unknown
  readonly link: string
  readonly says: RegExp
  readonly mend: RegExp
  readonly listener?: 'sshd'
}

/** A test for each: it is the first broken link. */
export function brokenOn(who: 'the device' | 'the gateway', all: readonly Broken[]): void {
  describe(`on ${who}`, () => {
    test.each(all)('$link: $when', ({ with: breaks, link, says, mend, listener }) => {
      const chain = healthy(listener)
      breaks(chain)
      const last = judged(chain).at(-1)
      expect(last).toMatchObject({ link, state: 'broken' })
      expect(last?.says).toMatch(says)
      expect(last?.mend).toMatch(mend)
    })
  })
}

/** The links, up to the first broken one. */
export const judged = (chain: Chain) => walk(caseOf(chain))

/** What the ssh of the device says when nothing of it gets through. */
export const noConnection = (why: string) => `OpenSSH_10.0p2\nssh: connect to host gw port 22: ${why}\n`

/** A line in the journal of the gateway's sshd, so many seconds old. */
export const log = (ago: number, text: string) => `${now - ago}.5 gw sshd-session[9]: ${text}\n`
