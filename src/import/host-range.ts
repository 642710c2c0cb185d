const MOST = 10_000

/**
 * A host or a range of hosts, with or without a port: an IPv6 address with a port is in brackets. undefined: it is
 * none.
 */
export function hostPattern(
  pattern: string,
): { readonly names: readonly string[]; readonly port?: number } | undefined {
  const [, bracketed, plain = pattern, port] =
    /^(?:\[([0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*)\]|((?:[^:[\]]|\[[^\]]*\])*)):(\d+)$/i.exec(pattern) ?? []
  const names = bracketed === undefined ? hostsIn(plain) : [bracketed]
  return names && { names, ...(port !== undefined && { port: Number(port) }) }
}

/** `web[01:50].lan`, `db-[a:f]`, `[1:9:2]`: the names that Ansible makes of it. undefined: it is none, or too many. */
export function hostsIn(pattern: string): readonly string[] | undefined {
  const [whole, from = '', to = '', step = '1'] =
    /\[([0-9]*|[A-Za-z]?):([0-9]+|[A-Za-z])(?::([0-9]+))?\]/.exec(pattern) ?? []
  if (whole === undefined) return /[[\]]/.test(pattern) ? undefined : [pattern]
  const parts = /^[A-Za-z]$/.test(to) ? letters(from, to, Number(step)) : numbers(from || '0', to, Number(step))
  const all = parts.map((part) => hostsIn(pattern.replace(whole, () => part)))
  const names = all.flatMap((each) => each ?? [])
  return all.length === 0 || all.includes(undefined) || names.length > MOST ? undefined : names
}

function numbers(from: string, to: string, step: number): string[] {
  const width = from.startsWith('0') ? from.length : 0
  return count(Number(from), Number(to), step).map((number) => String(number).padStart(width, '0'))
}

function letters(from: string, to: string, step: number): string[] {
  return count(from.charCodeAt(0), to.charCodeAt(0), step).map((code) => String.fromCharCode(code))
}

function count(from: number, to: number, step: number): number[] {
  if (!(step >= 1) || !(to >= from) || (to - from) / step > MOST) return []
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, at) => from + at * step)
}
