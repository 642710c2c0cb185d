import { findNodeAtLocation, parseTree } from 'jsonc-parser'
import type { Forward, Inventory } from '../model.ts'
import { expandGroups } from '../read/groups.ts'
import { type Path, position, problemsOf, type TextPosition } from '../read/problems.ts'
import { readShape } from '../read/shape.ts'
import { plainValue } from '../read/syntax.ts'

/** Where in the text of an inventory its hosts and forwards were written; undefined: not in this text. */
export interface Places {
  host(name: string): TextPosition | undefined
  forward(wanted: Pick<Forward, 'device' | 'gateway' | 'bindAddress' | 'port'>): TextPosition | undefined
}

export function placesIn(text: string, { gateways, devices }: Pick<Inventory, 'gateways' | 'devices'>): Places {
  // As it was read: without the byte order mark.
  const read = text.replace(/^\ufeff/, '')
  const root = parseTree(read, undefined, { allowTrailingComma: true })
  const shape = root && readShape(plainValue(root), problemsOf(read, '', root))
  const written = shape ? expandGroups(shape, problemsOf(read, '', root)).written : (path: Path) => path
  const at = (path: Path) => {
    const node = root && findNodeAtLocation(root, [...written(path)])
    if (node === undefined) return undefined
    return position(read, node.parent?.type === 'property' ? node.parent.offset : node.offset)
  }
  return {
    host(name) {
      const kind = gateways.some((gateway) => gateway.name === name) ? 'gateways' : 'devices'
      return at([kind, name])
    },
    forward(wanted) {
      const { forwards = [] } = devices.find(({ name }) => name === wanted.device) ?? {}
      const index = forwards.findIndex(
        ({ gateway, bindAddress, port }) =>
          gateway === wanted.gateway && bindAddress === wanted.bindAddress && port === wanted.port,
      )
      return index < 0 ? undefined : at(['devices', wanted.device, 'forwards', index])
    },
  }
}
