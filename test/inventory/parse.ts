import { InventoryError } from '../../src/errors.ts'
import type { Inventory } from '../../src/inventory/model.ts'
import { parseInventory } from '../../src/inventory/read/inventory.ts'

export function field(bytes: Buffer | string): Buffer {
  const body = Buffer.from(bytes)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

export function publicKey(type: string, ...fields: readonly (Buffer | string)[]): string {
  return `${type} ${Buffer.concat([type, ...fields].map(field)).toString('base64')}`
}

export const KEY = publicKey('ssh-ed25519', Buffer.alloc(32, 7))
export const RSA = publicKey('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.alloc(257, 7))

/** Looks like a private key and is none; `SECRET` must never be seen again. */
export const PRIVATE = `-----BEGIN OPENSSH PRIVATE KEY-----\nSECRETSECRET\n-----END OPENSSH PRIVATE KEY-----\n`

export function parse(text: string, files: Readonly<Record<string, string>> = {}): Inventory {
  return parseInventory(text, {
    file: 'inventory.json',
    directory: '/inventory',
    home: '/home/user001',
    readText: (path) => files[path],
  })
}

export function complaints(text: string, files: Readonly<Record<string, string>> = {}): string {
  try {
    parse(text, files)
  } catch (error) {
    if (error instanceof InventoryError) return error.message
    throw error
  }
  return 'no complaint'
}

/** What is wrong with one forward of a device with one gateway, without the place. */
export function forwardComplaint(forward: unknown): string {
  const text = JSON.stringify({ gateways: { gw: {} }, devices: { pi: { forwards: [forward] } } })
  return complaints(text).replace(/^\S+ devices\.pi\.forwards\[0\](\.\w+)?: /, '')
}
