import { realpathSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { InventoryError } from '../../errors.ts'
import { isThere } from '../../files/atomic.ts'
import type { Inventory, SecretPlace } from '../../inventory/model.ts'
import { readSyntax } from '../../inventory/read/syntax.ts'
import { serviceEnvironment } from './unit.ts'

/** What the service reads, as absolute paths. */
export interface ServiceReads {
  readonly program: string
  /** The folder that the program is in, with all that it needs. */
  readonly package: string
  readonly inventory: string
  readonly folder: string
}

export function readsOf({ file }: Pick<Inventory, 'file'>): ServiceReads {
  const program = realpathSync(process.argv[1] ?? '')
  // Beside others that it needs, where npm has put it.
  const [modules] = /^.*?\/node_modules(?=\/)/.exec(program) ?? []
  const inventory = resolve(file)
  return { program, package: modules ?? dirname(dirname(program)), inventory, folder: dirname(inventory) }
}

/** @throws InventoryError where this machine cannot have such a service */
export async function mayManage(): Promise<void> {
  if (!(await isThere('/run/systemd/system')))
    throw new InventoryError(
      'systemd does not run here, and the service is one of its units',
      'run `provision watch` under whatever keeps your programs running',
    )
  if (process.getuid?.() !== 0)
    throw new InventoryError('only root may change the services of this machine', 'run it again with sudo')
}

/** @throws InventoryError where the service's own account could not read what it needs */
export async function mayRead(inventory: Inventory): Promise<void> {
  const { inventory: file, folder } = readsOf(inventory)
  const closed = await filter([folder], 0o005)
  closed.push(...(await filter([file, join(folder, 'known_hosts')], 0o004)))
  if (closed.length > 0)
    throw new InventoryError(
      `${closed.join(', ')}: the service has an account of its own, which may not read this`,
      `chmod o+rX ${closed.join(' ')}   (an inventory holds no secret)`,
    )
  const secrets = await filter(secretsOf(inventory), 0o004)
  if (secrets.length > 0)
    throw new InventoryError(
      `${secrets.join(', ')}: the service may not read this secret, and others should not`,
      `write "env:NAME" in the inventory, and NAME=… in ${serviceEnvironment(inventory.id ?? 'ID')}, which only root may read`,
    )
}

/**
 * A sandbox in which no program gains rights is one in which no mail gets into the queue of postfix, exim or sendmail.
 * @throws InventoryError where the service could not send a mail
 */
export async function mayMail({
  file,
  id = 'ID',
  alerts = [],
}: Pick<Inventory, 'file' | 'id' | 'alerts'>): Promise<void> {
  const { problems } = readSyntax(await readFile(file, 'utf8'), file)
  for (const [index, alert] of alerts.entries())
    if (alert.kind === 'mail' && !alert.smtp)
      problems.add(
        ['alerts', index, 'mail'],
        `the program sendmail does not work in the service: add "smtp": "env:SMTP_URL"`,
      )
  problems.throwIfAny(
    `write SMTP_URL=smtps://USER:PASSWORD@HOST in ${serviceEnvironment(id)}; with a mail server on this machine SMTP_URL=${localServer}`,
  )
}

/** Its certificate is mostly one that nobody has signed. */
const localServer = 'smtp://localhost:25/?ignoreTLS=true'

/** Those that are there, and closed to others. */
async function filter(paths: readonly string[], bits: number): Promise<string[]> {
  const modes = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mode }) => mode,
        () => undefined,
      ),
    ),
  )
  return paths.filter((_, index) => modes[index] !== undefined && ((modes[index] ?? 0) & bits) !== bits)
}

function secretsOf({ alerts = [], watch }: Inventory): string[] {
  const places: (SecretPlace | undefined)[] = [
    watch?.heartbeat,
    ...alerts.flatMap((alert) => {
      if (alert.kind === 'mail') return [alert.smtp]
      if (alert.kind === 'webhook') return [alert.url, alert.secret]
      if (alert.kind === 'ntfy') return [alert.url, alert.token]
      return alert.kind === 'chat' ? [alert.url] : []
    }),
  ]
  return places.flatMap((place) => (place && 'file' in place ? [place.file] : []))
}
