import { formatOf } from '../../../src/image/formats/detect.ts'
import type { Seed } from '../../../src/image/seed/seed.ts'
import type { FormatName } from '../../../src/image/seed/seed-script.ts'
import { bootOf, type Texts, withWifi } from '../kit.ts'

/** What a seed writes to a card with these files, by name. */
export const files = (name: FormatName, boot: Texts, of: Seed = withWifi): Texts =>
  Object.fromEntries(
    formatOf(name)
      .files(of, bootOf(boot))
      .map(({ name, content }) => [name, content]),
  )

/** Why a card with these files gets no seed, or `none`. */
export const refusal = (name: FormatName, boot: Texts) => {
  try {
    files(name, boot)
  } catch (error) {
    return (error as Error).message
  }
  return 'none'
}
