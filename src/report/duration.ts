/** `40 s`, `12 min`, `3 h 5 min`, `2 d 4 h`, `20 years`: two units at most, rounded down. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  const [min, h, d] = [Math.floor(s / 60), Math.floor(s / 3600), Math.floor(s / 86_400)]
  const two = (more: string, rest: number, unit: string) => (rest > 0 ? `${more} ${rest} ${unit}` : more)
  if (d >= 730) return `${Math.round(d / 365)} years`
  if (d > 0) return two(`${d} d`, h % 24, 'h')
  if (h > 0) return two(`${h} h`, min % 60, 'min')
  return min > 0 ? `${min} min` : `${s} s`
}
