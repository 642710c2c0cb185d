import { ConnectError, InventoryError } from '../../errors.ts'
import { nameOnGateways } from '../../inventory/model.ts'
import { readInventory } from '../../inventory/read/inventory.ts'
import type { Report } from '../../report/report.ts'
import { printPlan } from '../../report/terminal/plan.ts'
import { hostKeyText } from '../../ssh/host-keys/pins.ts'
import { askPassword, askYes } from '../shared/ask.ts'
import type { Done } from '../shared/conduct.ts'
import { named } from '../shared/named.ts'
import { outputs, printOutputs } from '../shared/outputs.ts'
import { type Asked, run } from '../shared/run.ts'
import { bringBack, hasCome, pinSpare, planOf } from './bring-back.ts'
import { devicesBehind, ordinary, type Restoration, type RestoreArguments } from './restoration.ts'
import { type Spare, spareOf } from './spare.ts'
import { shownBy } from './strange-key.ts'

/**
 * A gateway that was installed anew gets what it had: accounts, ports and the keys of devices, which cannot be asked
 * now. As the last thing it gets a host key that devices trust, so that no device dials in before the gateway would
 * accept it. They dial by themselves; once they are back, an ordinary run gives them another spare. Each part finds
 * done what an earlier call has done.
 */
export async function restore(words: RestoreArguments): Promise<void> {
  const argv = words.askSudoPassword ? { ...words, sudoPassword: await askPassword('sudo password: ') } : words
  const inventory = await readInventory(argv.inventory)
  const gateway = named(argv.gateway, inventory.gateways)
  if (!(argv.wait >= 1 && argv.wait <= 86_400)) throw new InventoryError('--wait takes seconds, from 1 to 86400')
  const say = argv.quiet ? () => {} : (text: string) => void process.stderr.write(`${text}\n`)
  const known: Restoration = { argv, inventory, gateway, say }
  try {
    await restoreOnce(known)
  } catch (error) {
    if (!(error instanceof ConnectError && error.kind === 'changed-host-key')) throw error
    // The guard of a call that was cut off has undone its change after we had looked, its host key included. What the
    // gateway shows now has to be pinned or accepted like any other key.
    say(`${gateway.name}: its host key changed back during the run, because an earlier call was undone; starting again`)
    await restoreOnce(known)
  }
}

async function restoreOnce(known: Restoration): Promise<void> {
  const { argv, inventory, gateway, say } = known
  const spare = await spareOf(gateway, inventory)
  const it = spare ? await withSpare(known, spare) : known

  const plan = await planOf(it)
  if (!hasCome(plan, it)) return print(plan, it)
  if (plan.hosts.some(({ changes }) => changes.length > 0)) {
    if (!(await agreed(plan, it))) return
    const failed = await bringBack(it)
    if (failed) return print(failed, it)
  }
  await pinSpare(it)
  const hostKeys = it.change && new Map([[gateway.name, [it.change.spare.hostKey]]])
  say(`${gateway.name}: the gateway is restored; its devices now dial in by themselves`)
  const waiting = await throughForwards(it, { waitMs: argv.wait * 1000, ...(hostKeys && { hostKeys }) })
  const { forwards } = waiting.report
  const back = forwards.filter(({ state }) => state === 'ok').length
  say(`${back} of ${forwards.length} forwards reach their device; an ordinary run follows`)
  const written = hostKeys && gateway.hostKeys.length > 0 && !process.env.PROVISION_KNOWN_HOSTS
  await run('apply', ordinary(it), { limit: namesOf(it), ...(written && { hostKeys }) })
}

/** Where devices come through the gateway already, the spare is not needed and stays in reserve. */
async function withSpare(known: Restoration, spare: Spare): Promise<Restoration> {
  const { argv, inventory, gateway, say } = known
  const shown = await shownBy(gateway, inventory, { argv, spare: spare.publicKey })
  if (shown.known && hostKeyText(shown.key) !== spare.publicKey) {
    const { report } = await throughForwards(known)
    if (report.forwards.some((each) => each.gateway === gateway.name && each.state === 'ok')) return known
  }
  const lacking = devicesBehind(known).filter((device) => !spare.trustedBy.includes(nameOnGateways(device)))
  const names = lacking.map(({ name }) => name).join(', ')
  if (names) say(`${gateway.name}: its spare host key is not known to be trusted by ${names}`)
  return { ...known, change: { spare, shown: shown.key } }
}

async function agreed(plan: Report, { argv, gateway, say }: Restoration): Promise<boolean> {
  const text = printPlan(plan, { color: false, diffs: argv.verbose })
  if (argv.yes) {
    say(text)
    return true
  }
  if (!process.stdin.isTTY)
    throw new InventoryError(
      `${gateway.name} would be changed, which needs confirmation`,
      `${text}\nto go ahead, add --yes`,
    )
  if (await askYes(`${text}\nGo on? (yes/no) `)) return true
  process.stderr.write('nothing was touched\n')
  process.exitCode = 1
  return false
}

/** Nobody logs in to a device but through its forward, and there its host key is enough. */
function throughForwards(
  it: Restoration,
  { waitMs, hostKeys }: Pick<Asked, 'hostKeys'> & { readonly waitMs?: number } = {},
): Promise<Done> {
  const looking = { only: 'forwards', waitMs } as const
  return run('verify', ordinary(it), { looking, limit: namesOf(it), silent: true, ...(hostKeys && { hostKeys }) })
}

async function print(report: Report, { argv, inventory }: Restoration): Promise<void> {
  const files = await outputs({ inventory, argv, env: process.env, clock: () => new Date() })
  await printOutputs(report, { files, json: argv.json, diffs: argv.verbose })
}

const namesOf = (it: Restoration) => [it.gateway.name, ...devicesBehind(it).map(({ name }) => name)]
