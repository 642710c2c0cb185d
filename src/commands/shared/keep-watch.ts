import { setMaxListeners } from 'node:events'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { InventoryError } from '../../errors.ts'
import { errorCode } from '../../files/atomic.ts'
import type { Inventory } from '../../inventory/model.ts'
import { readInventory } from '../../inventory/read/inventory.ts'
import { clean, inert } from '../../report/inert.ts'
import type { ReachContext } from '../../ssh/reach/reach.ts'
import { askByKey, lookingWith } from '../../status/ask-by-key.ts'
import { type AlertEvent, eventText } from '../../watch/alerts/message.ts'
import type { HostChange } from '../../watch/board.ts'
import { causeOf } from '../../watch/cause.ts'
import { changeOf, stampOf } from '../../watch/file-changes.ts'
import { watchGateways } from '../../watch/look.ts'
import { type Listening, type PageServer, servePage } from '../../watch/page/server.ts'
import { lockRecord } from '../../watch/record/lock.ts'
import { openRecord } from '../../watch/record/record.ts'
import { notifier } from '../../watch/service/notify.ts'
import { type Watcher, watcher } from '../../watch/watcher.ts'
import { connected } from './context.ts'
import type { LoginArguments } from './options.ts'
import { listeningOf, type PageArguments } from './page-options.ts'
import { recordFile } from './record-file.ts'

type LoginWords = Pick<LoginArguments, 'timeout' | 'askSudoPassword' | 'transport'>

export interface WatchArguments extends LoginWords, PageArguments {
  inventory: string
  every: string
  state?: string
  /** The file of a key that can only look. */
  key?: string
  testAlerts: boolean
  json: boolean
  verbose: boolean
}

/** Watches until a signal ends it. */
export async function keepWatch(argv: WatchArguments): Promise<void> {
  const everySeconds = secondsOf(argv.every)
  const listening = await listeningOf(argv)
  const files = [argv.inventory, join(resolve(argv.inventory, '..'), 'known_hosts')]
  const stamp = await stampOf(files)
  const inventory = await inventoryOf(argv)
  if (inventory.devices.every(({ forwards }) => forwards.length === 0))
    throw new InventoryError(`${argv.inventory}: no device has a forward: there is nothing to watch`)
  const file = recordFile(inventory, argv.state)
  const unlock = await lockRecord(file)
  const record = await openRecord({ file, note })
  const ended = new AbortController()
  // Everything that waits listens.
  setMaxListeners(0, ended.signal)
  const stop = (signal: NodeJS.Signals) => {
    process.exitCode = signal === 'SIGTERM' ? 0 : 130
    ended.abort()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop)
  const sleep = (ms: number) => wait(ms, undefined, { signal: ended.signal }).catch(() => undefined)
  let context: ReachContext | undefined
  const examine = async ({ host }: HostChange) =>
    // With a key that can only look nobody can be asked why.
    host.role === 'device' && context && argv.key === undefined ? causeOf(host, it.board.inventory, context) : undefined
  const it = watcher({
    ...{ inventory, record, everySeconds, env: process.env, now: Date.now, sleep, ended: ended.signal, note, examine },
    from: { inventory: argv.inventory, watcher: hostname() },
    onEvents: (events) => print(events, argv.json),
  })
  note(`watching ${inventory.devices.length} devices; what happens is kept in ${file}`)
  let page: PageServer | undefined
  try {
    page = listening && (await serve(it, listening))
    await Promise.all([
      timers(it, page, sleep, ended.signal),
      wellness(it, sleep, ended.signal),
      rounds(it, { argv, files, stamp, everySeconds, sleep, ended: ended.signal, onContext: (now) => (context = now) }),
    ])
  } finally {
    ended.abort()
    page?.close()
    process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop)
    it.remember()
    await record.close()
    await unlock()
  }
}

interface Rounds {
  readonly argv: WatchArguments
  readonly files: readonly string[]
  readonly stamp: string
  readonly everySeconds: number
  readonly sleep: (ms: number) => Promise<unknown>
  readonly ended: AbortSignal
  readonly onContext: (context: ReachContext) => void
}

/** One round for each edit of the inventory: all connections are made anew. One that is wrong changes nothing. */
async function rounds({ board, use }: Watcher, { argv, files, stamp, onContext, ...looks }: Rounds): Promise<void> {
  const { ended, sleep } = looks
  let seen = stamp
  const onSeen = (what: string) => {
    if (argv.verbose) note(`seen ${what}`)
  }
  while (!ended.aborted) {
    const round = new AbortController()
    const looking = connected(board.inventory, argv, (context) => {
      onContext(context)
      const both = AbortSignal.any([ended, round.signal])
      const ask = argv.key === undefined ? undefined : askByKey
      return watchGateways(board.inventory, { ...looks, now: Date.now, ended: both, context, board, ask, onSeen })
    })
    const next = edited()
    await Promise.race([looking, next])
    const inventory = await next
    round.abort()
    await looking
    if (inventory) use(inventory)
  }

  /** Undefined: all is to end. */
  async function edited(): Promise<Inventory | undefined> {
    for (;;) {
      seen = await changeOf(files, seen, { ended, sleep })
      if (ended.aborted) return undefined
      try {
        const inventory = await inventoryOf(argv)
        note(`${argv.inventory} was read again`)
        return inventory
      } catch (error) {
        if (!(error instanceof InventoryError)) throw error
        note(`${argv.inventory} is not used as it is now, the former one still counts: ${error.message}`)
      }
    }
  }
}

async function timers(
  it: Watcher,
  page: PageServer | undefined,
  sleep: (ms: number) => Promise<unknown>,
  ended: AbortSignal,
): Promise<void> {
  for (let second = 0; !ended.aborted; second++) {
    // Not waited for: an alert waits for the doctor, and time goes on.
    void it.tick()
    page?.tick()
    if (second % 60 === 0) void it.minute()
    await sleep(1000)
  }
}

/** Tells systemd that it works, and how many are up. */
async function wellness(
  { board }: Watcher,
  sleep: (ms: number) => Promise<unknown>,
  ended: AbortSignal,
): Promise<void> {
  const systemd = notifier(process.env)
  while (!ended.aborted) {
    const all = board.inventory.devices.filter(({ forwards }) => forwards.length > 0)
    const up = all.filter(({ name }) => board.standing(name)?.seen?.condition === 'up')
    systemd.well(`${up.length} of ${all.length} devices are up`)
    await sleep(1000)
  }
}

/** With the logins that it is watched with. @throws InventoryError */
async function inventoryOf({ inventory: file, key }: WatchArguments): Promise<Inventory> {
  const inventory = await readInventory(file)
  const { id } = inventory
  if (key === undefined) return inventory
  if (id === undefined)
    throw new InventoryError(`${file}: has no "id", by which gateways know who may look`, `provision ${file}`)
  return lookingWith(key, { ...inventory, id })
}

/** @throws InventoryError where somebody else has the port */
async function serve(it: Watcher, listening: Listening): Promise<PageServer> {
  const where = `${listening.address} port ${listening.port}`
  const page = await servePage(it, listening).catch((error: unknown) => {
    throw new InventoryError(`--listen: nothing can be served at ${where} (${errorCode(error)})`, 'choose another port')
  })
  note(`the page is at ${where}`)
  return page
}

/** @throws InventoryError */
function secondsOf(every: string): number {
  const seconds = Number(/^(\d+)s?$/.exec(every)?.[1])
  if (seconds >= 5 && seconds <= 3600) return seconds
  throw new InventoryError('--every takes seconds, from 5 to 3600', 'the default is 30')
}

function note(text: string): void {
  process.stderr.write(inert(`provision: ${clean(text)}\n`))
}

function print(events: readonly AlertEvent[], json: boolean): void {
  const lines = events.map((event) => (json ? JSON.stringify(event) : clean(eventText(event)).replaceAll('\n', ' ')))
  process.stdout.write(inert(lines.map((line) => `${line}\n`).join('')))
}
