import { expect, test } from 'vitest'
import { RemoteError } from '../../src/errors.ts'
import { sh } from '../../src/shell/sh.ts'
import type { Session } from '../../src/ssh/session/session.ts'
import { tryProofs } from '../../src/verify/proofs.ts'
import { nothing } from '../resources/golden.ts'

const session = (exec: Session['exec']) => ({ exec }) as Session
const answering = (code: number, stderr = '') =>
  session(async () => ({ code, stdout: Buffer.alloc(0), stderr: Buffer.from(stderr) }))
const lost = session(async () => Promise.reject(new RemoteError('lost', 'the connection was lost')))
const script = sh`true`
const states = async (on: Session | undefined, proof = { what: 'x', script: script as never }) =>
  (await tryProofs({ host: 'gw', proofs: [proof], seen: nothing, session: on })).map(({ state, error }) =>
    [state, error?.message].filter(Boolean).join(': '),
  )

test('exit code 0 proves it, any other says what is there instead', async () => {
  expect(await states(answering(0, 'noise'))).toEqual(['holds'])
  expect(await states(answering(1, 'sshd holds it\n'))).toEqual(['fails: sshd holds it'])
  expect(await states(answering(2))).toEqual(['fails: exit code 2'])
})

test('who cannot be asked has proved nothing', async () => {
  expect(await states(undefined)).toEqual(['untried: the host could not be asked'])
  expect(await states(lost)).toEqual(['untried: the connection was lost'])
  const late = { what: 'x', script: (() => undefined) as never }
  expect(await states(answering(0), late)).toEqual(['untried: what is needed to try this is not there'])
})
