import { indexIn, withIndex } from '../read/index-range.ts'
import { find, indented, inserted, replaced } from './text.ts'

// What is added to the text of an inventory. Every byte that was there stays, in its order.

/** A forward to the device's own sshd, or elsewhere, as it is written. */
export interface NewForward {
  /** undefined: there is only one. */
  readonly gateway: string | undefined
  readonly port: number
  readonly host: string
  readonly hostPort: number
}

export interface NewDevice {
  readonly address?: string | undefined
  readonly forwards?: readonly NewForward[]
}

/** With this device as the last one. */
export function withDevice(text: string, name: string, device: NewDevice): string {
  if (find(text, ['devices']) !== undefined) return withProperty(text, ['devices'], name, printDevice(device))
  return withProperty(text, [], 'devices', `{\n  ${JSON.stringify(name)}: ${indented(printDevice(device), '  ')},\n}`)
}

/**
 * With this device in the group: by its number, where the group makes devices of such names (`made`), else by its name.
 */
export function withMember(
  text: string,
  group: string,
  name: string,
): { readonly text: string; readonly made: boolean } {
  const devices = find(text, ['groups', group, 'devices'])
  const indexes = find(text, ['groups', group, 'index'])
  const template = (devices?.children ?? [])
    .map(({ value }) => String(value))
    .find((entry) => entry.includes('{index}'))
  const index = template === undefined ? undefined : indexIn(template, name)
  if (index !== undefined && indexes !== undefined) {
    return { text: replaced(text, indexes, JSON.stringify(withIndex(String(indexes.value), index))), made: true }
  }
  return { text: devices === undefined ? text : inserted(text, devices, JSON.stringify(name)), made: false }
}

function printDevice({ address, forwards }: NewDevice): string {
  const parts = [
    ...(address === undefined ? [] : [`"address": ${JSON.stringify(address)}`]),
    ...(forwards === undefined ? [] : [printForwards(forwards)]),
  ]
  const line = `{ ${parts.join(', ')} }`
  if (parts.length === 0) return '{}'
  return line.includes('\n') || line.length > 90
    ? `{\n${parts.map((part) => `  ${indented(part, '  ')},\n`).join('')}}`
    : line
}

function printForwards(forwards: readonly NewForward[]): string {
  const words = forwards.map(({ gateway, port, host, hostPort }) => {
    const bracketed = host.includes(':') ? `[${host}]` : host
    if (gateway === undefined) return JSON.stringify(`127.0.0.1:${port}:${bracketed}:${hostPort}`)
    return `{ "gateway": ${JSON.stringify(gateway)}, "port": ${port}, "host": ${JSON.stringify(host)}, "hostPort": ${hostPort} }`
  })
  if (words.length < 2) return `"forwards": [${words.join()}]`
  return `"forwards": [\n${words.map((each) => `  ${each},\n`).join('')}]`
}

function withProperty(text: string, path: readonly string[], key: string, value: string): string {
  const object = find(text, path)
  return object === undefined ? text : inserted(text, object, `${JSON.stringify(key)}: ${value}`)
}
