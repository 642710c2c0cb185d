import { Writable } from 'node:stream'
import { RemoteError } from '../errors.ts'

/** A line without an end is cut here, and goes on as the next one. */
const LONGEST_LINE = 65_536

/**
 * Hands on whole lines, without their ends; the last one at the end of the stream, though it may have none. `ready`:
 * when whoever takes them can take more.
 */
export function lineOutput(take: (line: string) => void, ready: () => Promise<unknown>): Writable {
  let held = Buffer.alloc(0)
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      held = Buffer.concat([held, chunk])
      for (let at = held.indexOf('\n'); at >= 0 || held.length > LONGEST_LINE; at = held.indexOf('\n')) {
        const end = at >= 0 && at <= LONGEST_LINE ? at : LONGEST_LINE
        take(held.toString('utf8', 0, end))
        held = held.subarray(end === at ? at + 1 : end)
      }
      ready().then(() => done(), done)
    },
    final(done) {
      if (held.length > 0) take(held.toString())
      done()
    },
  })
}

/** Keeps all of it, up to `capBytes`. */
export function keptOutput(capBytes: number): { readonly stream: Writable; readonly text: () => string } {
  const chunks: Buffer[] = []
  let size = 0
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size > capBytes) {
        done(new RemoteError('output', `it wrote more than ${Math.floor(capBytes / 1024)} KiB`, 'leave out --json'))
        return
      }
      chunks.push(chunk)
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}
