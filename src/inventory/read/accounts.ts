import type * as File from '../file.ts'
import { isPrivateKey, show } from '../messages.ts'
import type { Account } from '../model.ts'
import { fromProblem } from './from-patterns.ts'
import { foreignKey, looksLikeKey, readAuthorizedKey } from './keys.ts'
import { absolute, checkPath, type Surroundings } from './paths.ts'
import type { Path, Problems } from './problems.ts'
import type { DeepPartial } from './shape.ts'

interface AccountReading {
  readonly path: Path
  readonly around: Surroundings
  readonly problems: Problems
}

export function readAccounts(name: string, account: DeepPartial<File.Account>, reading: AccountReading): Account {
  const { path, problems } = reading
  if (account.exclusive === true && !('authorizedKeys' in account)) {
    const sentence =
      'would remove every key of the account: list its "authorizedKeys" too ([] where that is what you want)'
    problems.add([...path, 'exclusive'], sentence)
  }
  const keys = (account.authorizedKeys ?? []).flatMap((entry, index) => {
    return entry === undefined ? [] : readEntry(entry, { ...reading, path: [...path, 'authorizedKeys', index] })
  })
  const from = account.from && readFrom(account.from, { ...reading, path: [...path, 'from'] })
  return { name, authorizedKeys: [...new Set(keys)], exclusive: account.exclusive ?? false, ...(from && { from }) }
}

function readFrom(entries: DeepPartial<readonly string[]>, { path, problems }: AccountReading): string[] {
  const known = entries.flatMap((entry, index) => {
    const problem = entry === undefined ? undefined : fromProblem(entry)
    if (problem !== undefined) problems.add([...path, index], problem)
    return entry ?? []
  })
  if (known.length > 0 && known.every((entry) => entry.startsWith('!'))) {
    problems.add(path, 'admits nobody, because it holds exceptions only: add what may log in, such as "*"')
  }
  return known
}

function readEntry(entry: string, reading: AccountReading): string[] {
  if (isPath(entry)) return readKeyFile(entry, reading)
  const result = readAuthorizedKey(entry)
  if ('key' in result) return [result.key]
  const neither =
    'is neither a public key nor a path: write the line of a .pub file, or a path that begins with ./, / or ~/'
  reading.problems.add(reading.path, looksLikeKey(entry) ? result.problem : neither)
  return []
}

function isPath(entry: string): boolean {
  const oneWord = !/\s/.test(entry)
  const path = /^(~|\/|\.\.?\/)/.test(entry) || entry.endsWith('.pub')
  return path && (oneWord || !looksLikeKey(entry)) && !isPrivateKey(entry)
}

function readKeyFile(entry: string, { path, around, problems }: AccountReading): string[] {
  if (!checkPath(entry, path, problems)) return []
  const file = absolute(entry, around)
  const text = around.readText(file)
  if (text === undefined) {
    problems.add(path, `${show(file)} cannot be read: paths begin at the inventory's folder, at / or at ~/`)
    return []
  }
  const foreign = foreignKey(text)
  if (foreign !== undefined) {
    problems.add(path, `${show(entry)} ${foreign}`)
    return []
  }
  if (/^PuTTY-User-Key-File/.test(text)) {
    problems.add(path, `${show(entry)} holds a private key of PuTTY: puttygen -L prints its public line, write that`)
    return []
  }
  if (isPrivateKey(text)) {
    problems.add(path, `${show(entry)} holds a private key: name the .pub file beside it`)
    return []
  }
  const lines = [...text.split(/\r?\n/).entries()].filter(([, line]) => !/^\s*(#|$)/.test(line))
  if (lines.length === 0) problems.add(path, `${show(entry)} holds no key: name the .pub file of a key`)
  return lines.flatMap(([index, line]) => {
    const result = readAuthorizedKey(line)
    if ('key' in result) return [result.key]
    problems.add(path, `line ${index + 1} of ${show(entry)} ${result.problem}`)
    return []
  })
}
