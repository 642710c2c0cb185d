import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { errorCode, readIfThere, rewrite } from '../files/atomic.ts'
import type { Device } from '../inventory/model.ts'
import type { ForwardReport } from '../report/report.ts'
import { fingerprintOf, type Pins } from '../ssh/host-keys/pins.ts'

/**
 * When each device last proved who it is through a forward, as far as this machine knows: a JSON object in one file,
 * host key fingerprint → ISO time. By the fingerprint, because that is what was proved, whatever inventory the device
 * stands in.
 */
export interface LastProofs {
  /**
   * The reports with their `lastProof`; what they prove is kept. A file that cannot be read or written costs a note, no
   * more.
   */
  stamp(reports: readonly ForwardReport[], devices: readonly Device[]): Promise<ForwardReport[]>
}

export interface LastProofsOptions {
  readonly file: string
  readonly pins: Pins
  readonly clock: () => Date
  readonly note: (text: string) => void
}

/** Where this machine keeps what it may lose. */
export function stateFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return join(env.XDG_STATE_HOME || join(home, '.local/state'), 'provision')
}

/** What stands there for an inventory file, by where it is. */
export const nameInState = (file: string): string =>
  createHash('sha256').update(resolve(file)).digest('hex').slice(0, 12)

/**
 * As the XDG base directory specification has it: state that should outlive a restart and matters to no other machine.
 */
export function lastProofsFile(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return join(stateFolder(env, home), 'proofs.json')
}

export function lastProofs({ file, pins, clock, note }: LastProofsOptions): LastProofs {
  const pinned = async (name: string, devices: readonly Device[]) => {
    const device = devices.find((candidate) => candidate.name === name)
    const known = device && (await pins.for(device))
    return known ? [...known.keys.map(fingerprintOf), ...known.fingerprints] : []
  }
  return {
    async stamp(reports, devices) {
      const proved = reports.flatMap(({ state, hostKey }) => (state === 'ok' && hostKey ? [hostKey] : []))
      const kept = await keep(file, proved, clock().toISOString()).catch((error: unknown) => {
        if (errorCode(error) === undefined) throw error
        note(`the times of the last proofs cannot be saved in ${file}: ${errorCode(error)}`)
        return new Map<string, string>()
      })
      return Promise.all(
        reports.map(async (report) => {
          const keys = report.hostKey ? [report.hostKey] : await pinned(report.device, devices)
          const lastProof = keys
            .flatMap((key) => kept.get(key) ?? [])
            .sort()
            .at(-1)
          return lastProof ? { ...report, lastProof } : report
        }),
      )
    },
  }
}

async function keep(file: string, proved: readonly string[], now: string): Promise<Map<string, string>> {
  if (proved.length === 0) return parse(await readIfThere(file))
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  let kept = new Map<string, string>()
  await rewrite(file, (before) => {
    kept = new Map([...parse(before), ...proved.map((key) => [key, now] as const)])
    return `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`
  })
  return kept
}

/** A broken file is replaced. */
function parse(text: string): Map<string, string> {
  try {
    const found: unknown = JSON.parse(text || '{}')
    if (typeof found !== 'object' || found === null) return new Map()
    const times = Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    return new Map(times.filter(([, time]) => !Number.isNaN(Date.parse(time))))
  } catch {
    return new Map()
  }
}
