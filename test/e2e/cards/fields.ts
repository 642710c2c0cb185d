import type { FormatName } from '../../../src/image/seed/seed-script.ts'
import { generator } from '../edits/sample.ts'

export const formats = ['cloud-init', 'firstrun', 'rpi-preseed'] as const satisfies readonly FormatName[]

/** Who logs in: the user that images have, one that they have not, or the one that Raspberry Pi Imager's files make. */
export const logins = ['pi', 'user001', 'imager'] as const

export const customs = ['nothing', "Imager's files", 'userconf.txt', 'own scripts', 'Wi-Fi'] as const
export type Custom = (typeof customs)[number]

export const fates = ['plain', '3 power cuts', 're-flashed', 'overlay afterwards'] as const
export type Fate = (typeof fates)[number]

/** One card and what becomes of it. */
export interface Field {
  readonly format: (typeof formats)[number]
  readonly login: (typeof logins)[number]
  readonly custom: Custom
  readonly fate: Fate
}

export const nameOf = ({ format, login, custom, fate }: Field) => [format, login, custom, fate].join(', ')

/** The whole matrix. */
export const everyField: readonly Field[] = formats.flatMap((format) =>
  logins.flatMap((login) => customs.flatMap((custom) => fates.map((fate) => ({ format, login, custom, fate })))),
)

/** Six fields in which each format stands twice, and everything else at least once. */
export function sampled(seed: number): readonly Field[] {
  const random = generator(seed)
  const [login, custom, fate] = [shuffled(logins, random), shuffled(customs, random), shuffled(fates, random)]
  const at = <T>(all: readonly T[], index: number) => all[index % all.length] as T
  return [0, 1, 2, 3, 4, 5].map((index) => ({
    format: at(formats, index),
    // Behind each round one further, so that a format does not keep its user.
    login: at(login, index + Math.floor(index / 3)),
    custom: at(custom, index),
    fate: at(fate, index),
  }))
}

export function shuffled<T>(all: readonly T[], random: () => number): readonly T[] {
  return all
    .map((value) => ({ value, order: random() }))
    .sort((one, other) => one.order - other.order)
    .map(({ value }) => value)
}
