import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { InventoryError } from '../../errors.ts'
import { rewrite } from '../../files/atomic.ts'
import type { Inventory } from '../../inventory/model.ts'
import { readInventory } from '../../inventory/read/inventory.ts'
import { printJson } from '../../report/inert.ts'
import { localTime } from '../../report/local-time.ts'
import { statusPage } from '../../report/status/html.ts'
import type { StatusReport } from '../../report/status/status.ts'
import { printStatus } from '../../report/status/text.ts'
import { fullScreen, pages, type Screen } from '../../report/terminal/screen.ts'
import type { ReachContext } from '../../ssh/reach/reach.ts'
import { openGateways } from '../../status/gateway-sessions.ts'
import { lookAtGateways } from '../../status/status.ts'
import { lastProofs, lastProofsFile } from '../../verify/last-proofs.ts'
import { endQuietly } from '../line/ending.ts'
import { connected } from './context.ts'
import { limitOf } from './limit.ts'
import type { StatusArguments } from './options.ts'

/** One look, or one after another until Ctrl-C. The connections to the gateways stay open meanwhile. */
export async function showStatus(argv: StatusArguments): Promise<void> {
  endQuietly(process.stdout)
  const inventory = await readInventory(argv.inventory)
  const limit = limitOf(argv.limit, inventory)
  await check(argv)
  await connected(inventory, argv, (context) => watch(inventory, argv, limit, lookingAt(context)))
}

async function watch(
  inventory: Inventory,
  argv: StatusArguments,
  limit: (name: string) => boolean,
  looking: ReturnType<typeof lookingAt>,
): Promise<void> {
  const screen = argv.watch && !argv.json && process.stdout.isTTY ? fullScreen(process.stdout) : pages(process.stdout)
  let last: StatusReport | undefined
  const stop = () => {
    screen.leave()
    // Not waited for: what is under way changes nothing.
    process.exit(130)
  }
  const redraw = () => last && show(last, argv, screen)
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop)
  if (argv.watch) process.stdout.on('resize', redraw)
  try {
    do {
      last = await lookAtGateways(inventory, { ...looking, limit })
      if (argv.html !== undefined) {
        const page = statusPage(last, argv.watch ? { refresh: argv.interval } : {})
        // What it writes are bytes.
        await rewrite(argv.html, () => Buffer.from(page).toString('latin1'))
      }
      show(last, argv, screen)
    } while (argv.watch && (await wait(argv.interval * 1000, true)))
  } finally {
    screen.leave()
    looking.gateways.close()
    process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop)
  }
  process.exitCode = last.exitCode
}

function lookingAt(context: ReachContext) {
  const { pins } = context.wire
  const clock = () => new Date()
  const note = (text: string) => void process.stderr.write(`${text}\n`)
  return {
    context,
    gateways: openGateways(context),
    lastProofs: lastProofs({ file: lastProofsFile(process.env, homedir()), pins, clock, note }),
    now: () => performance.now(),
    clock,
  }
}

/** @throws InventoryError for what would only turn out to be wrong after the look */
async function check({ interval, html }: StatusArguments): Promise<void> {
  if (!Number.isInteger(interval) || interval < 1 || interval > 3600) {
    throw new InventoryError('--interval takes whole seconds, from 1 to 3600', 'the default is 5')
  }
  if (html === undefined) return
  const folder = dirname(resolve(html))
  await access(folder, constants.W_OK).catch(() => {
    throw new InventoryError(`--html ${html}: nothing can be written in ${folder}`, 'name a file in a folder of yours')
  })
}

function show(report: StatusReport, { json, watch, interval }: StatusArguments, screen: Screen): void {
  if (json) {
    process.stdout.write(printJson(report, watch ? 0 : 2))
    return
  }
  const color = process.stdout.hasColors?.() ?? false
  const columns = process.stdout.isTTY ? process.stdout.columns || 80 : Number.MAX_SAFE_INTEGER
  const text = printStatus(report, { color, columns })
  if (!watch) process.stdout.write(text)
  else screen.draw(`${report.inventory}, ${localTime(report.at)}, every ${interval} s; Ctrl-C ends\n${text}`)
}
