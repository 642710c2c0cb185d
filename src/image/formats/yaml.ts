import { type Document, parseDocument } from 'yaml'
import { ProvisionError } from '../../errors.ts'
import { record } from './format.ts'

export const again = 'mend it, or flash the card again'

/** @throws ProvisionError where it is no YAML, or no mapping. */
export function parsed(name: string, text: string): Document {
  // As PyYAML reads it, for which NO is false and not Norway.
  const document = parseDocument(text, { version: '1.1' })
  const [error] = document.errors
  if (error) throw new ProvisionError(`its ${name} is no YAML, in line ${error.linePos?.[0].line ?? 1}`, again)
  const value: unknown = document.toJS()
  if (value !== null && record(value) === undefined) throw new ProvisionError(`its ${name} is no mapping`, again)
  return document
}
