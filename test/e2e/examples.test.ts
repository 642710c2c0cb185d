import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Rehearsal, rehearse, states } from './kit.ts'

const folder = join(import.meta.dirname, '../../inventory/examples')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const names = readdirSync(folder)
const beside = Object.fromEntries(names.filter((name) => name.endsWith('.pub')).map((name) => [name, read(name)]))

test.each(names.filter((name) => name.endsWith('.json')))(
  '%s works as it is, and then has nothing to do',
  async (name) => {
    const it: Rehearsal = await rehearse(read(name), { beside })
    try {
      const first = await it.report([it.file])
      const troubles = [...first.report.hosts, ...first.report.forwards].flatMap(({ error }) => error ?? [])
      expect({ code: first.code, troubles }).toEqual({ code: 0, troubles: [] })
      const second = await it.report([it.file])
      expect(second.report.hosts.map(({ outcome }) => outcome)).toEqual(second.report.hosts.map(() => 'ok'))
      expect(states(second.report)).toEqual(second.report.forwards.map(() => 'ok'))
      // One exec for each host, and one behind each forward to an sshd of its own.
      const logins = second.report.forwards.filter(({ hostKey }) => hostKey).length
      const { execs, connections } = second.report.wire
      expect({ code: second.code, execs, connections }).toEqual({
        code: 0,
        execs: second.report.hosts.length + logins,
        connections: second.report.hosts.length + logins,
      })
    } finally {
      await it.down()
    }
  },
)
