import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const schema = join(import.meta.dirname, 'junit.xsd')

function xmllint(words: readonly string[], input: string): string {
  const { status, stdout, stderr } = spawnSync('xmllint', ['--nonet', ...words, '-'], { input })
  if (status !== 0) throw new Error(`xmllint ${words.join(' ')}: ${stderr}`)
  return stdout.toString()
}

/** Is it XML, and of the shape of test/report/junit.xsd? @throws Error with xmllint's words */
export const mustBeJUnit = (text: string): void => void xmllint(['--noout', '--schema', schema], text)

/** What a real parser has for an XPath expression. */
export const xpath = (text: string, expression: string): string =>
  xmllint(['--xpath', expression], text).replace(/\n$/, '')
