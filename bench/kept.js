// What was measured stands in the repository, each part with its day: a part that is measured anew leaves the others as they are.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { machine } from './kit.js'

const fileOf = (name) => fileURLToPath(new URL(`measured/${name}.json`, import.meta.url))

export const measured = (name) => (existsSync(fileOf(name)) ? JSON.parse(readFileSync(fileOf(name), 'utf8')) : {})
export function keepMeasured(name, value) {
  const text = JSON.stringify(value, null, 1).replaceAll(/\[[\d\s,.]+\]/g, (numbers) => numbers.replaceAll(/\s+/g, ''))
  writeFileSync(fileOf(name), `${text}\n`)
}

/** Of what is measured now. */
export const today = () => `${new Date().toISOString().slice(0, 10)}, ${machine}`
