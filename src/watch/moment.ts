/** A time of which only two others are known that it lies between. Milliseconds since 1970. */
export interface Moment {
  readonly earliest: number
  readonly latest: number
}

export const exactly = (time: number): Moment => ({ earliest: time, latest: time })

export const middle = ({ earliest, latest }: Moment): number => (earliest + latest) / 2

/** How far the middle may be from the truth. */
export const plusMinus = ({ earliest, latest }: Moment): number => (latest - earliest) / 2

/** What two witnesses say together. Where they contradict each other, the second one counts. */
export function narrowed(first: Moment | undefined, second: Moment | undefined): Moment | undefined {
  if (!first || !second) return first ?? second
  const earliest = Math.max(first.earliest, second.earliest)
  const latest = Math.min(first.latest, second.latest)
  return earliest <= latest ? { earliest, latest } : second
}
