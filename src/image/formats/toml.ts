import { parse } from 'smol-toml'
import { ProvisionError } from '../../errors.ts'

/** @throws ProvisionError where it is no TOML; what it says is never repeated, as it may be a secret. */
export function parsedToml(name: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    const line = (error as { readonly line?: number }).line ?? 1
    throw new ProvisionError(`its ${name} is no TOML, in line ${line}`, 'mend it, or flash the card again')
  }
}
