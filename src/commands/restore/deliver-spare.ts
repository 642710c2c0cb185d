import { RemoteError } from '../../errors.ts'
import { deliveredSpare } from '../../resources/index.ts'
import { sh } from '../../shell/sh.ts'
import type { Session } from '../../ssh/session/session.ts'

const timeoutMs = 30_000

/**
 * Puts the private half of a spare host key where its transaction takes it from. It goes through the session's stdin
 * alone, to a file in memory that only root may read.
 * @throws RemoteError
 */
export async function deliverSpare(session: Session, privateKey: string): Promise<void> {
  const script = sh`
    umask 077
    rm -f ${deliveredSpare}
    cat >${deliveredSpare} && [ "$(wc -c <${deliveredSpare})" -eq ${Buffer.byteLength(privateKey)} ] ||
      { rm -f ${deliveredSpare}; exit 1; }
  `
  const { code, stderr } = await session.exec(script.text, { timeoutMs, privileged: true, input: privateKey })
  if (code !== 0)
    throw new RemoteError('lost', `the private key did not arrive complete: ${stderr.toString('utf8').trim()}`)
}

/** Removes what a failed run has left. */
export async function dropDelivered(session: Session): Promise<void> {
  await session.exec(sh`rm -f ${deliveredSpare}`.text, { timeoutMs, privileged: true })
}
