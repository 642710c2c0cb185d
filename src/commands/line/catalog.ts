import { readFile } from 'node:fs/promises'
import { commands } from '../index.ts'
import { type Shape, shapeOf } from './shape.ts'

/** What all commands say of themselves. The build writes it down, so that help and completion load none of them. */
export async function catalog(): Promise<readonly Shape[]> {
  const written = await readFile(new URL('./commands.json', import.meta.url), 'utf8').catch(() => undefined)
  return written === undefined ? loadedCatalog() : JSON.parse(written)
}

export const loadedCatalog = (): Promise<readonly Shape[]> =>
  Promise.all(commands.map(async ({ load }) => shapeOf(await load())))

/** @throws TypeError where there is none of that name */
export async function shapeNamed(name: string): Promise<Shape> {
  const shape = (await catalog()).find(({ path }) => path === name)
  if (shape) return shape
  throw new TypeError(`no command ${name}`)
}
