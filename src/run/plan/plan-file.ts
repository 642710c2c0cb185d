import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { InventoryError } from '../../errors.ts'
import { publish } from '../../files/atomic.ts'
import { readJsonFile } from '../../files/json.ts'
import type { Inventory } from '../../inventory/model.ts'
import { localTime } from '../../report/local-time.ts'
import type { HostReport, Report } from '../../report/report.ts'

/**
 * A plan to be looked at now and applied later: what a `--check` found, and what it was made from. Paths in it start at
 * its own folder, so that folder and inventory may move together, from one CI job to the next for example.
 */
export interface PlanFile extends Pick<Report, 'recoveries' | 'away'> {
  readonly version: 1
  /** ISO 8601. */
  readonly made: string
  readonly inventory: string
  /** The identity that the plan was made with; the inventory gets it where it has none yet. */
  readonly id?: string
  readonly playbook?: string
  /** Names or globs; empty: all hosts. */
  readonly limit: readonly string[]
  /** SHA-256 of what the inventory wants, and of the playbook's file. */
  readonly digest: string
  readonly hosts: readonly HostReport[]
  /** What it was asked for beyond the inventory: `--prune`, `--adopt`. */
  readonly wishes?: Pick<Inventory, 'prune' | 'adopt'>
}

export interface Sources {
  readonly inventory: Inventory
  readonly playbook: string | undefined
  readonly limit: readonly string[]
}

export async function writePlan(file: string, sources: Sources, report: Report, made: Date): Promise<void> {
  const from = dirname(resolve(file))
  const path = (target: string) => relative(from, resolve(target))
  const { prune, adopt } = sources.inventory
  const wishes = { ...(prune && { prune }), ...(adopt && { adopt }) }
  const plan: PlanFile = {
    version: 1,
    made: made.toISOString(),
    inventory: path(sources.inventory.file),
    ...(sources.inventory.id && { id: sources.inventory.id }),
    ...(sources.playbook && { playbook: path(sources.playbook) }),
    limit: sources.limit,
    digest: await digestOf(sources),
    hosts: report.hosts,
    ...(Object.keys(wishes).length > 0 && { wishes }),
    recoveries: report.recoveries,
    ...(report.away && { away: report.away }),
  }
  await publish(file, `${JSON.stringify(plan, undefined, 2)}\n`)
}

/** @throws InventoryError when this is no such file */
export async function readPlan(file: string): Promise<PlanFile> {
  const plan = await readJsonFile<PlanFile>(file, {
    what: 'plan',
    hint,
    isWhole: ({ version, made, inventory, digest, hosts, limit }) =>
      version === 1 &&
      [made, inventory, digest].every((value) => typeof value === 'string') &&
      [hosts, limit].every(Array.isArray),
  })
  const from = dirname(resolve(file))
  const path = (target: string) => (isAbsolute(target) ? target : relative(process.cwd(), join(from, target)))
  return { ...plan, inventory: path(plan.inventory), ...(plan.playbook && { playbook: path(plan.playbook) }) }
}

/** Tells a plan from an inventory, which has no such key: also one that was damaged since. */
export async function looksLikePlan(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return /"digest":\s*"[0-9a-f]{64}"/.test(text)
}

/** What a plan was made of, with the identity that the inventory has got since, where that is another one. */
export function withIdentity(
  hosts: readonly HostReport[],
  { made, now }: { readonly made: string | undefined; readonly now: string | undefined },
): readonly HostReport[] {
  if (made === undefined || now === undefined || made === now) return hosts
  return JSON.parse(JSON.stringify(hosts).replaceAll(`provision ${made}`, `provision ${now}`)) as HostReport[]
}

/** @throws InventoryError when inventory or playbook say something else by now than when the plan was made */
export async function mustBeOf(plan: PlanFile, file: string, sources: Sources): Promise<void> {
  if ((await digestOf(sources)) === plan.digest) return
  const what = sources.playbook ? `${sources.inventory.file} or ${sources.playbook}` : sources.inventory.file
  throw new InventoryError(`${file}: ${what} has changed since this plan was made, ${localTime(plan.made)}`, hint)
}

const hint = 'make a new plan: provision INVENTORY --check --out FILE'

/** Of what is wanted, not of where it stands or who logs in; the identity may have been written since. */
async function digestOf({ inventory, playbook }: Sources): Promise<string> {
  const whereabouts = new Set(['file', 'directory', 'identityFile', 'id'])
  const wanted = JSON.stringify(inventory, (key, value: unknown) => (whereabouts.has(key) ? undefined : value))
  const recipe = playbook ? await readFile(playbook, 'utf8') : ''
  return createHash('sha256').update(wanted).update('\0').update(recipe).digest('hex')
}
