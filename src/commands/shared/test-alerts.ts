import { hostname } from 'node:os'
import { InventoryError } from '../../errors.ts'
import { readInventory } from '../../inventory/read/inventory.ts'
import type { AlertEvent } from '../../watch/alerts/message.ts'
import { messageOf } from '../../watch/alerts/outbox.ts'
import { NotSent } from '../../watch/alerts/post.ts'
import { targetsOf } from '../../watch/alerts/targets.ts'

/** Sends a message to every target, quiet or not. Exit code 1 where one did not arrive. */
export async function testAlerts(file: string): Promise<void> {
  const inventory = await readInventory(file)
  const alerts = inventory.alerts ?? []
  if (alerts.length === 0)
    throw new InventoryError(`${file}: there is nobody to tell`, 'add "alerts": docs/watch.md has examples')
  const now = Date.now()
  const since = new Date(now).toISOString()
  const test: AlertEvent = {
    ...{ kind: 'test', name: 'this message', role: 'device', groups: [], since },
    cause: 'nothing has happened',
  }
  for (const target of targetsOf(alerts, process.env)) {
    try {
      await target.send(messageOf([test], now, { inventory: inventory.file, watcher: hostname() }))
      process.stdout.write(`${target.name}: sent\n`)
    } catch (error) {
      if (!(error instanceof NotSent)) throw error
      process.stdout.write(`${target.name}: not sent: ${error.message}\n`)
      process.exitCode = 1
    }
  }
}
