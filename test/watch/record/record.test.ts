import { spawnSync } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { parseEntry, printEntry, type RecordEntry } from '../../../src/watch/record/entry.ts'
import { compacted, memory, united } from '../../../src/watch/record/memory.ts'
import { openRecord, readRecord } from '../../../src/watch/record/record.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'provision-record-'))
})
afterAll(() => rm(folder, { recursive: true }))

const began = (id: string, begin = '2026-11-01T10:00:00.000Z'): RecordEntry => ({
  ...{ kind: 'began', id, name: 'host-a', role: 'device', condition: 'down', begin, state: 'no-tunnel' },
})
const ended = (id: string, end = '2026-11-01T11:00:00.000Z'): RecordEntry => ({ kind: 'ended', id, end })

async function opened(name: string) {
  const notes: string[] = []
  const file = join(folder, name)
  const record = await openRecord({ file, note: (text) => notes.push(text.replaceAll(folder, '')) })
  return { file, record, notes }
}

test('what was added is there again', async () => {
  const { file, record } = await opened('plain')
  record.add(began('a'), { kind: 'cause', id: 'a', cause: 'no power' }, ended('a'), began('b'))
  expect(await record.settled()).toBeUndefined()
  await record.close()
  const { outages } = await readRecord(file)
  expect([...outages.values()]).toMatchObject([{ id: 'a', cause: 'no power', end: expect.any(String) }, { id: 'b' }])
  expect(outages.get('b')).not.toHaveProperty('end')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('what is added while other lines are being written is written, too', async () => {
  const { file, record } = await opened('busy')
  for (let n = 0; n < 50; n++) {
    record.add(began(`o${n}`))
    await new Promise((done) => setImmediate(done))
    record.add(ended(`o${n}`))
  }
  await record.close()
  const { outages } = await readRecord(file)
  expect([...outages.values()].filter(({ end }) => end !== undefined).length).toBe(50)
})

test('a line that was written in part, wherever it ends, is taken out, and nothing else', async () => {
  const { file, record } = await opened('torn')
  record.add(began('a'))
  await record.close()
  const whole = await readFile(file)
  const next = Buffer.from(printEntry(ended('a')))
  for (let bytes = 1; bytes < next.length; bytes += 7) {
    await writeFile(file, Buffer.concat([whole, next.subarray(0, bytes)]))
    expect((await readRecord(file)).outages.get('a')).not.toHaveProperty('end')
    const again = await opened('torn')
    expect(again.notes).toEqual(['/torn: its last line was not written to its end, and is taken out'])
    again.record.add(ended('a'))
    await again.record.close()
    expect(await readFile(file)).toEqual(Buffer.concat([whole, next]))
  }
})

test('a damaged line is kept beside the record, and the others count', async () => {
  const { file, record } = await opened('damaged')
  record.add(began('a'), began('b'), began('c'))
  await record.close()
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('"id":"b"', '"id":"x"'))
  const again = await opened('damaged')
  expect(again.notes).toEqual(['/damaged: 1 damaged lines; they are kept in /damaged.damaged'])
  await again.record.compact('2026-01-01')
  await again.record.close()
  expect([...(await readRecord(file)).outages.keys()]).toEqual(['a', 'c'])
  expect(await readFile(`${file}.damaged`, 'utf8')).toContain('"id":"x"')
  const healed = await opened('damaged')
  await healed.record.close()
  expect(healed.notes).toEqual([])
})

test('a full disk loses nothing: what it had no room for is written when there is some', async () => {
  const disk = join(folder, 'disk')
  await mkdir(disk)
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status).toBe(0)
  onTestFinished(() => void spawnSync('umount', ['-l', disk]))
  const { file, record, notes } = await opened('disk/record')
  record.add(began('first'))
  expect(await record.settled()).toBeUndefined()
  const filler = join(disk, 'filler')
  await writeFile(filler, Buffer.alloc(1_000_000)).catch(() => undefined)
  const names = Array.from({ length: 100 }, (_, n) => `o${n}`)
  for (const name of names) record.add(began(name))
  expect(await record.settled()).toBe('ENOSPC')
  expect(record.memory.outages.size).toBe(101)
  // What is on the disk is whole lines all the same.
  expect([...(await readRecord(file)).outages.keys()]).toContain('first')
  expect((await readFile(file, 'utf8')).endsWith('\n')).toBe(true)
  await rm(filler)
  expect(await record.settled()).toBeUndefined()
  expect([...(await readRecord(file)).outages.keys()]).toEqual(['first', ...names])
  expect(notes).toEqual([
    '/disk/record: cannot be written (ENOSPC); what happens is kept in memory and written later',
    '/disk/record: is written again',
  ])
  await record.close()
})

test('it is written anew where most of it is over, and says the same', async () => {
  const { file, record } = await opened('compact')
  for (let n = 0; n < 300; n++) {
    const [from, until] = [new Date(n * 60_000).toISOString(), new Date((n + 1) * 60_000).toISOString()]
    record.add({ kind: 'watched', from, until })
  }
  record.add(began('old', '1969-01-01T00:00:00.000Z'), ended('old', '1969-01-02T00:00:00.000Z'), began('new'))
  await record.compact('1970-01-01T00:00:00.000Z')
  record.add(ended('new'))
  await record.close()
  expect((await readFile(file, 'utf8')).split('\n').length).toBe(4)
  const { outages, watched } = await readRecord(file)
  expect([...outages.values()]).toMatchObject([{ id: 'new', end: expect.any(String) }])
  expect(watched).toEqual([{ from: '1970-01-01T00:00:00.000Z', until: '1970-01-01T05:00:00.000Z' }])
})

test('a message that was not sent outlives compaction; one that was does not', () => {
  const all = memory()
  const message = { version: 1, id: 'm', at: '', inventory: '', watcher: '', text: '', events: [] } as const
  all.take({ kind: 'message', id: 'm', target: 't', message })
  all.take({ kind: 'message', id: 'n', target: 't', message })
  all.take({ kind: 'sent', id: 'n' })
  expect(compacted(all, '')).toEqual([{ kind: 'message', id: 'm', target: 't', message }])
})

test('times in which somebody watched are joined, also those of two watchers; real gaps stay', () => {
  const at = (minute: number) => new Date(minute * 60_000).toISOString()
  const spans = [
    { from: at(10), until: at(20) },
    { from: at(0), until: at(11) },
    { from: at(21), until: at(22) },
    { from: at(30), until: at(31) },
  ]
  const joined = [
    { from: at(0), until: at(22) },
    { from: at(30), until: at(31) },
  ]
  expect(united(spans)).toEqual(joined)
  const all = memory()
  for (const span of spans) all.take({ kind: 'watched', ...span })
  expect(all.watched).toEqual(joined)
})

test('only what is as it was written is read', async () => {
  const line = printEntry(began('a')).trimEnd()
  expect(parseEntry(line)).toEqual(began('a'))
  expect(parseEntry(line.replace('host-a', 'host-b'))).toBeUndefined()
  expect(parseEntry('')).toBeUndefined()
  await appendFile(join(folder, 'none'), 'no record at all\n')
  expect([...(await readRecord(join(folder, 'none'))).outages]).toEqual([])
})
