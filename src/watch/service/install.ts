import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import { ProvisionError } from '../../errors.ts'
import { isThere, put, readIfThere } from '../../files/atomic.ts'
import { isMarkedBy, type Mark } from '../../resources/mark.ts'
import { newKey, publicHalfOf } from '../../ssh/host-keys/new-key.ts'
import { allServices, serviceFolder, serviceKey, serviceUnit, unitFile } from './unit.ts'

const run = promisify(execFile)
const systemctl = (...words: string[]) => run('systemctl', words)

/** The public half of the service's key, which is made where there is none. */
export async function serviceKeyOf(id: string, comment: string): Promise<string> {
  const there = publicHalfOf(await readIfThere(serviceKey(id)))
  if (there !== undefined) return there
  const { privateKey, publicKey } = newKey(comment)
  await mkdir(serviceFolder(id), { recursive: true, mode: 0o700 })
  await put(serviceKey(id), Buffer.from(privateKey), 0o600)
  return publicKey
}

export interface ServiceOnDisk {
  readonly id: string
  readonly mark: Mark
}

/** What stands there now; empty: nothing. @throws ProvisionError for a unit of somebody else */
async function present({ id, mark }: ServiceOnDisk): Promise<string> {
  const text = await readIfThere(unitFile(id))
  const [first = ''] = text.split('\n', 1)
  if (text === '' || isMarkedBy(first, mark)) return text
  throw new ProvisionError(
    `${unitFile(id)} was not made by provision`,
    'rename that unit, or take it away, and run this again',
  )
}

/**
 * The unit, enabled and running with this text. What does not start is taken back: then all is as before.
 * `unchanged`: it was so already.
 * @throws ProvisionError
 */
export async function startService(service: ServiceOnDisk, text: string): Promise<'unchanged' | 'started'> {
  const unit = serviceUnit(service.id)
  const before = await present(service)
  const runs = (state: string) =>
    systemctl(state, '--quiet', unit).then(
      () => true,
      () => false,
    )
  if (before === text && (await runs('is-active')) && (await runs('is-enabled'))) return 'unchanged'
  await write(service.id, text)
  try {
    await systemctl('enable', '--quiet', unit)
    await systemctl('restart', unit)
    return 'started'
  } catch {
    const { stdout } = await run('journalctl', ['-q', '--no-pager', '-o', 'cat', '-n', '6', '-u', unit])
    if (before === '') await removeUnit(service.id)
    else {
      await write(service.id, before)
      await systemctl('restart', '--no-block', unit)
    }
    throw new ProvisionError(
      `${unit} does not start, and was taken back: ${stdout.trim().replaceAll('\n', '; ') || 'its journal is empty'}`,
    )
  }
}

async function write(id: string, text: string): Promise<void> {
  await put(unitFile(id), Buffer.from(text), 0o644)
  await systemctl('daemon-reload')
}

async function removeUnit(id: string): Promise<void> {
  await systemctl('disable', '--now', '--quiet', serviceUnit(id))
  await rm(unitFile(id), { force: true })
  await systemctl('daemon-reload')
  await systemctl('reset-failed', serviceUnit(id)).catch(() => undefined)
}

/** Nothing of it is left but the record. Its public key, where it had one. @throws ProvisionError */
export async function removeService(service: ServiceOnDisk): Promise<string | undefined> {
  const { id } = service
  if ((await present(service)) !== '') await removeUnit(id)
  const key = publicHalfOf(await readIfThere(serviceKey(id)))
  await rm(serviceFolder(id), { recursive: true, force: true })
  if ((await isThere(allServices)) && (await readdir(allServices)).length === 0) await rmdir(allServices)
  return key
}
