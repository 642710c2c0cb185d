import { stat } from 'node:fs/promises'
import { InventoryError } from '../errors.ts'
import { readTree } from '../ssh/user-config/config-tree.ts'
import { parseJump } from '../ssh/user-config/jump.ts'
import { type AskWritten, askingWritten, type WrittenOptions } from './config-answers.ts'
import { askingOncePerClass } from './config-classes.ts'
import { type ConfigHostReading, configHost } from './config-host.ts'
import { commandsRun, isReadTwice, type NamedLine, namedLines, placedLines, unusedPatterns } from './config-names.ts'
import type { Found, FoundHost } from './found.ts'
import { type Leftovers, leftovers } from './leftovers.ts'

export interface ConfigOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Told before anything is run. */
  readonly say: (sentence: string) => void
  /** The device that has this file and dials what its RemoteForward lines say. */
  readonly device?: string | undefined
}

/**
 * The hosts that an ssh_config names. ssh itself says what its lines mean for each: what it answers otherwise than with
 * an empty configuration was written there.
 * @throws InventoryError where ssh does not understand the file
 */
export async function foundInConfig(file: string, { env, say, device }: ConfigOptions): Promise<Found> {
  if ((await stat(file)).isDirectory())
    throw new InventoryError(`${file} is a folder`, `name the file in it, such as ${file}/config`)
  const files = await readTree({ file, env })
  const lines = files.flatMap(placedLines)
  const commands = commandsRun(lines)
  for (const { place, command } of commands.slice(0, 10))
    say(`${place}: ssh runs this command to know what the file means (Match exec): ${command}`)
  if (commands.length > 10) say(`and the commands of ${commands.length - 10} more such lines`)
  return askingWritten({ file, readTwice: isReadTwice(lines), env }, async (askEach) => {
    const ask = askingOncePerClass(files, askEach)
    const left = leftovers()
    const reading: ConfigHostReading = { lines, left, device, dials: [] }
    const named = namedLines(lines)
    const { hosts, isRead } = await namedHosts(named, ask, reading)
    const wanted = new Set(named.flatMap((line) => line.names))
    if (wanted.size > 0 && !isRead) {
      const [name = ''] = wanted
      throw new InventoryError(`ssh cannot read ${file}`, `ssh -G -F ${file} ${name} says what is wrong`)
    }
    const hops = await hopsOf(hosts, ask, reading)
    for (const { place, words } of unusedPatterns(lines, [...wanted, ...hops.map(({ name }) => name)]))
      left.add('a pattern, and no name in the file is one of its hosts', `Host ${words.join(' ')}`, place)
    return { hosts: dialling([...hosts, ...hops], reading), groups: [], left: left.sentences() }
  })
}

function dialling(hosts: readonly FoundHost[], { device, dials }: ConfigHostReading): readonly FoundHost[] {
  if (device === undefined || dials.length === 0) return hosts
  const own = hosts.find(({ name }) => name === device) ?? { name: device, jumps: [] }
  return [...hosts.filter(({ name }) => name !== device), { ...own, dials }]
}

interface Answered extends NamedLine {
  readonly answers: readonly { readonly name: string; readonly written: WrittenOptions }[]
}

/** Names of one line that mean the same in every respect are one host with several names. */
async function namedHosts(named: readonly NamedLine[], ask: AskWritten, reading: ConfigHostReading) {
  const lines = await Promise.all(named.map((line) => answered(line, ask, reading.left)))
  const addresses = new Set(lines.flatMap(({ answers }) => answers.map(({ written }) => written.get('hostname')?.[0])))
  const hosts: FoundHost[] = []
  const names = new Set<string>()
  for (const { answers, place, matched } of lines) {
    for (const machine of machinesOf(answers)) {
      const fresh = machine.filter(({ name }) => !names.has(name))
      const [first, ...others] = fresh
      if (first === undefined) continue
      // An address that another name stands for.
      if (matched && (addresses.has(first.name) || first.written.size === 0)) continue
      for (const { name } of fresh) names.add(name)
      for (const { name } of others) reading.left.add(`is another name of ${first.name}`, name, place)
      hosts.push({
        ...configHost(first.name, first.written, reading),
        place,
        ...(others.length > 0 && { aliases: others.map(({ name }) => name) }),
      })
    }
  }
  return { hosts, isRead: lines.some(({ answers }) => answers.length > 0) }
}

async function answered(line: NamedLine, ask: AskWritten, left: Leftovers): Promise<Answered> {
  const all = await Promise.all(line.names.map(async (name) => ({ name, written: await ask(name) })))
  const answers = all.flatMap(({ name, written }) => {
    if (written === undefined) left.add('left out: ssh refuses this name', name, line.place)
    return written === undefined ? [] : [{ name, written }]
  })
  return { ...line, answers }
}

const ROUTE = new Set(['port', 'user', 'identityfile', 'proxyjump', 'proxycommand', 'remoteforward'])

function machinesOf(answers: Answered['answers']): (typeof answers)[] {
  const machines = new Map<string, Answered['answers'][number][]>()
  for (const answer of answers) {
    const { name, written } = answer
    const address = written.get('hostname')?.[0] ?? name
    // Of the other options only which they are: some have the name in their values.
    const options = [...written].map(([option, values]) => [option, ROUTE.has(option) ? values : []])
    const key = JSON.stringify([address.toLowerCase(), options.filter(([option]) => option !== 'hostname')])
    machines.set(key, [...(machines.get(key) ?? []), answer])
  }
  return [...machines.values()]
}

/** What is jumped through and not named by itself: what the file says of it through its patterns. */
async function hopsOf(hosts: readonly FoundHost[], ask: AskWritten, reading: ConfigHostReading): Promise<FoundHost[]> {
  const known = new Set(hosts.flatMap(({ name, aliases = [], address }) => [name, ...aliases, address]))
  const hops = hosts.flatMap(({ jumps, place }) => jumps.map((text) => ({ ...parseJump(text), place })))
  const fresh = new Map(hops.filter(({ host }) => !known.has(host)).map((hop) => [hop.host, hop]))
  const found = await Promise.all(
    [...fresh.values()].map(async ({ host, user, port, place }): Promise<FoundHost[]> => {
      const written = await ask(host)
      if (written === undefined) return []
      const own = configHost(host, written, reading)
      return [
        {
          ...own,
          ...(user !== undefined && { user }),
          ...(port !== undefined && { port }),
          ...(place !== undefined && { place }),
        },
      ]
    }),
  )
  return found.flat()
}
