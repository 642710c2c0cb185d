import type { Alert } from '../../inventory/model.ts'

/** How long the quiet hours still last, by the clock on the wall; 0: it is not quiet. */
export function quietMs({ from, until }: NonNullable<Alert['quiet']>, now: Date): number {
  const minute = now.getHours() * 60 + now.getMinutes()
  const isQuiet = from < until ? from <= minute && minute < until : from <= minute || minute < until
  if (!isQuiet) return 0
  const end = new Date(now)
  end.setHours(Math.floor(until / 60), until % 60, 0, 0)
  if (end <= now) end.setDate(end.getDate() + 1)
  return end.getTime() - now.getTime()
}
