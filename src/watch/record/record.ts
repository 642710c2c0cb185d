import { appendFile, mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode, put } from '../../files/atomic.ts'
import { parseEntry, printEntry, type RecordEntry } from './entry.ts'
import { compacted, type Memory, memory } from './memory.ts'

/**
 * What a watcher remembers: one file, to which lines are added, each with its checksum. A line counts when it is on the
 * disk; what cannot be written waits in memory and is tried again. docs/decisions/ says why it is no database.
 */
export interface WatchRecord {
  readonly memory: Memory
  /** Known at once, on the disk as soon as that is possible. */
  add(...entries: readonly RecordEntry[]): void
  /** All that was added is on the disk, or could not be written: then why. */
  settled(): Promise<string | undefined>
  /** Writes the whole file anew where it holds much that is over. */
  compact(since: string): Promise<void>
  close(): Promise<void>
}

export interface RecordOptions {
  readonly file: string
  readonly note: (text: string) => void
}

/** Reads what is there, without changing it: a line that was not written to its end is left out. */
export async function readRecord(file: string): Promise<Memory> {
  return (await read(file)).found
}

/** Opens it for writing, and heals it: a torn last line is cut off, damaged ones are kept beside it. */
export async function openRecord({ file, note }: RecordOptions): Promise<WatchRecord> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const { found, lines, good, damaged, torn } = await read(file)
  let handle = await open(file, 'a', 0o600)
  let length = good
  let count = lines
  if (torn) {
    await handle.truncate(good)
    note(`${file}: its last line was not written to its end, and is taken out`)
  }
  if (damaged.length > 0) {
    await appendFile(`${file}.damaged`, damaged.map((line) => `${line}\n`).join(''), { mode: 0o600 })
    note(`${file}: ${damaged.length} damaged lines; they are kept in ${file}.damaged`)
  }

  let waiting: RecordEntry[] = []
  let trouble: string | undefined
  /** A part of a line could not be cut off: what comes next begins a line of its own. */
  let unfinished = false
  let work: Promise<void> = Promise.resolve()
  const queue = (task: () => Promise<void>) => {
    work = work.then(task)
    return work
  }

  async function write(): Promise<void> {
    if (waiting.length === 0) return
    // More may come while these are written.
    const entries = [...waiting]
    const bytes = Buffer.from(`${unfinished ? '\n' : ''}${entries.map(printEntry).join('')}`)
    try {
      await handle.appendFile(bytes)
      await handle.sync()
      length = (await handle.stat()).size
      count += entries.length
      waiting = waiting.slice(entries.length)
      if (trouble !== undefined) note(`${file}: is written again`)
      trouble = undefined
      unfinished = false
    } catch (error) {
      unfinished = await handle.truncate(length).then(
        () => false,
        () => true,
      )
      const code = errorCode(error)
      if (code === undefined) throw error
      if (trouble !== code)
        note(`${file}: cannot be written (${code}); what happens is kept in memory and written later`)
      trouble = code
    }
  }

  async function rewriteWhole(entries: readonly RecordEntry[]): Promise<void> {
    const bytes = Buffer.from(entries.map(printEntry).join(''))
    try {
      await put(file, bytes, 0o600)
    } catch (error) {
      // The old one stays as it is: another day.
      if (errorCode(error) === undefined) throw error
      return
    }
    await handle.close()
    handle = await open(file, 'a', 0o600)
    length = bytes.length
    count = entries.length
  }

  async function compact(since: string): Promise<void> {
    await queue(async () => {
      await write()
      const entries = compacted(found, since)
      if (waiting.length === 0 && (count > 2 * entries.length + 100 || damaged.length > 0)) await rewriteWhole(entries)
    })
    damaged.length = 0
  }

  return {
    memory: found,
    add(...entries) {
      for (const entry of entries) found.take(entry)
      waiting.push(...entries)
      void queue(write)
    },
    async settled() {
      await queue(write)
      return trouble
    },
    compact,
    async close() {
      await queue(write)
      await handle.close()
    },
  }
}

interface Reading {
  readonly found: Memory
  readonly lines: number
  /** Bytes up to the end of the last whole line. */
  readonly good: number
  readonly damaged: string[]
  readonly torn: boolean
}

async function read(file: string): Promise<Reading> {
  const bytes = await readFile(file).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return Buffer.alloc(0)
    throw error
  })
  const found = memory()
  const damaged: string[] = []
  const good = bytes.lastIndexOf(10) + 1
  const lines = bytes.subarray(0, good).toString('utf8').split('\n').slice(0, -1)
  for (const line of lines) {
    const entry = parseEntry(line)
    if (entry) found.take(entry)
    else damaged.push(line)
  }
  return { found, lines: lines.length, good, damaged, torn: good < bytes.length }
}
