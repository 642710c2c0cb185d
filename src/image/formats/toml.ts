import { parse } from 'smol-toml'
import { ProvisionError } from '../../errors.ts'

/** @throws ProvisionError where it is not TOML; what it says is never repeated, as it may be a secret. */
export function parsedToml(name: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    const line = (error as { readonly line?: number }).line ?? 1
    throw new ProvisionError(`its ${name} is not valid TOML, in line ${line}`, 'correct it, or flash the card again')
  }
}
