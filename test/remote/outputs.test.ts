import { finished } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { keptOutput, lineOutput } from '../../src/remote/outputs.ts'

async function linesOf(...chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const lines: string[] = []
  const stream = lineOutput(
    (line) => lines.push(line),
    async () => {},
  )
  for (const chunk of chunks) stream.write(chunk)
  await finished(stream.end())
  return lines
}

test('lines are whole, wherever the pieces end; the last one needs no end', async () => {
  const euro = Buffer.from('€')
  expect(await linesOf('a', 'b\n\nc', euro.subarray(0, 1), euro.subarray(1), '\nd')).toEqual(['ab', '', 'c€', 'd'])
  expect(await linesOf()).toEqual([])
})

test('a line that never ends is cut', async () => {
  expect((await linesOf('x'.repeat(150_000))).map(({ length }) => length)).toEqual([65_536, 65_536, 18_928])
})

test('who cannot take more is waited for', async () => {
  const lines: string[] = []
  let ready = () => {}
  const wait = () =>
    new Promise<void>((resolve) => {
      ready = resolve
    })
  const stream = lineOutput((line) => lines.push(line), wait)
  stream.write('a\n')
  stream.write('b\n')
  expect(lines).toEqual(['a'])
  ready()
  await expect.poll(() => lines).toEqual(['a', 'b'])
  ready()
})

test('what is kept has a limit', async () => {
  const { stream, text } = keptOutput(1024)
  stream.write('x'.repeat(1024))
  expect(text()).toHaveLength(1024)
  const error = new Promise((resolve) => stream.once('error', resolve))
  stream.write('x')
  expect(await error).toMatchObject({ kind: 'output', message: 'it wrote more than 1 KiB' })
})
