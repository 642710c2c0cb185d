// The licences of the packages that became a part of the bundles: they ask that their text goes along.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const named = /^(licen[cs]e|notice)\b/i

/** One text about every package of which esbuild has put a file into the bundles. */
export async function licencesOf({ inputs }) {
  const folders = new Set(
    Object.keys(inputs).flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []),
  )
  const texts = await Promise.all([...folders].map(licenceOf))
  return `provision contains these packages.\n\n${[...new Set(texts)].sort().join('\n')}`
}

async function licenceOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const files = (await readdir(folder)).filter((file) => named.test(file))
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return `== ${name} ${version}${license ? ` (${license})` : ''}\n\n${texts.map((text) => `${text.trim()}\n`).join('\n')}`
}
