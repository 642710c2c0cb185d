import { closestMatch } from 'leven'

// How messages quote what the user wrote: control characters escaped, cut short, and never any of a private key.

const INVISIBLE = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/g
const LONGEST = 60

export function isPrivateKey(text: string): boolean {
  // The third is how the body of an OpenSSH private key begins, pasted without its first line.
  return /PRIVATE KEY|PuTTY-User-Key-File|b3BlbnNzaC1rZXktdjE/.test(text)
}

export function show(text: string): string {
  if (isPrivateKey(text)) return 'a private key'
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
  return JSON.stringify(short).replace(INVISIBLE, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

export function list(words: readonly string[], last = 'and'): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}

/** `, did you mean "x"?` where a known word is near, else `: <otherwise>`. */
export function suggest(word: string, known: readonly string[], otherwise: string): string {
  const best = closest(word, known)
  return best === undefined ? `: ${otherwise}` : `, did you mean "${best}"?`
}

/** The known word that a slip of the finger made this one of; `slips`: so many are allowed in any case. */
export function closest(word: string, known: readonly string[], slips = 1): string | undefined {
  // The first guess allows one slip in three letters; a long word gains nothing from a wild guess.
  const limit = Math.min(4, Math.max(slips, Math.floor(word.length / 3)))
  const near = closestMatch(
    word.toLowerCase(),
    known.map((candidate) => candidate.toLowerCase()),
    { maxDistance: limit },
  )
  return known.find((candidate) => candidate.toLowerCase() === near)
}
