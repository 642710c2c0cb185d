import { ProvisionError } from '../errors.ts'
import type { Trouble } from './report.ts'

/** What a report says of an error. @throws what is not an error of ours: that is a fault of the program */
export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof ProvisionError)) throw error
  return { message: error.message, ...(error.hint && { hint: error.hint }) }
}
