import { resolve } from 'node:path'
import type { Inventory } from '../../src/inventory/model.ts'
import { readInventory } from '../../src/inventory/read/inventory.ts'
import type { Playbook } from '../../src/playbook/playbook.ts'
import type { Observed, Seen } from '../../src/resources/resource.ts'
import { here } from '../resources/sshd.ts'

const key = 'AAAAC3NzaC1lZDI1NTE5AAAAI'

/** Every host as it shows itself when its keys are made and nothing else is. */
export const keysMade: Seen = {
  here,
  gone: () => false,
  failed: () => false,
  of: (host, id) => {
    if (id.startsWith('key-pair ')) return `600 reverse-tunnel\nssh-ed25519 ${key}of-${host.replaceAll('.', '-')}\n`
    if (id === 'versions') return 'openssh 10.0\nsystemd 257\n'
    if (id === 'host keys') return `ssh-ed25519 ${key}host-${host.replaceAll('.', '-')}\n`
    return undefined
  },
}

export const example = (name: string): Promise<Inventory> =>
  readInventory(resolve(import.meta.dirname, '../../inventory/examples', name))

/** What an empty host shows to a resource of this id. */
function empty(id: string): Observed {
  if (id.startsWith('account ')) return ''
  if (/^(systemd-units|accounts|files in|recovery|versions|held forwards|ports|keys of)\b/.test(id)) return ''
  if (id.startsWith('systemd-unit ')) return 'disabled\nstopped\nabsent\n'
  if (id.startsWith('sshd-settings ')) return 'OpenSSH_10.0p2\nvalid\nabsent\n'
  if (/^authorized-keys (?!tunnel)/.test(id)) return '/home/x/.ssh/authorized_keys\nabsent\n'
  return 'absent\n'
}

/** What a playbook asks of every host, step by step, as a person would read it: ids, and the texts that it wants. */
export function asked(playbook: Playbook, inventory: Inventory): string {
  const before = new Map<string, { readonly step: number; readonly text: string }>()
  /** What an earlier step has wanted word for word is not printed again. */
  const once = (step: number, host: string, id: string, rows: readonly string[]) => {
    const known = before.get(`${host} ${id}`)
    if (known && rows.length > 1 && known.text === rows.join('\n')) return [`  ${id}: as in step ${known.step}`]
    before.set(`${host} ${id}`, { step, text: rows.join('\n') })
    return rows
  }
  const steps = playbook(inventory).flatMap((step, number) => {
    if (step.kind === 'prove') return [`step ${number}: what moved answers`]
    if (step.kind === 'verify') {
      const doors = step.forwards.map(
        (forward) => `  ${forward.device} through ${forward.gateway} ${forward.bindAddress}:${forward.port}`,
      )
      return [`step ${number}: every forward answers`, ...doors]
    }
    return [...step.hosts].flatMap(([host, resources]) => [
      `step ${number}: ${host}`,
      ...resources.flatMap((resource) => {
        const verdict = resource.diff(empty(resource.id), keysMade)
        if (typeof verdict === 'string') return [`  ${resource.id}: ${verdict}`]
        if ('refused' in verdict) return [`  ${resource.id}: refused, ${verdict.refused}`]
        const text = verdict.text?.wanted.trimEnd().split('\n') ?? []
        const rows = [`  ${resource.id}: ${verdict.summary}`, ...text.map((line) => `      ${line}`.trimEnd())]
        return once(number, host, resource.id, rows)
      }),
    ])
  })
  return `${steps.join('\n')}\n`
}
