import { duration } from '../../report/duration.ts'
import { type Html, html } from '../../report/html.ts'
import type { OutageReport } from '../history.ts'
import type { Span } from '../record/memory.ts'

export interface Strip {
  readonly outages: readonly OutageReport[]
  readonly watched: readonly Span[]
  /** Milliseconds: the end of the last day that is shown. */
  readonly until: number
  readonly days: number
  /** What it says to who cannot see it. */
  readonly label: string
}

const dayMs = 86_400_000
/** Of a day: not watched, well, away for a moment, away for more than an hour. */
type Day = 'unwatched' | 'well' | 'moment' | 'away'

/** One day after the other, each as bad as it was. Days that are alike are one piece. */
export function strip({ outages, watched, until, days, label }: Strip): Html {
  const first = (Math.floor(until / dayMs) - days + 1) * dayMs
  const all = Array.from({ length: days }, (_, index) => {
    const begin = first + index * dayMs
    const within = (from: string, end: string | undefined) =>
      Math.max(
        0,
        Math.min(begin + dayMs, end === undefined ? until : Date.parse(end)) - Math.max(begin, Date.parse(from)),
      )
    const away = outages.reduce((sum, outage) => sum + within(outage.begin, outage.end), 0) / 1000
    const isWatched = watched.some(({ from, until: end }) => within(from, end) > 0)
    return { begin, away, day: dayOf(away, isWatched) }
  })
  const pieces = all.reduce<{ at: number; width: number; day: Day; title?: string }[]>(
    (done, { begin, away, day }, at) => {
      const last = done.at(-1)
      if (last && last.day === day && away === 0) last.width++
      else {
        const title = away > 0 ? `${new Date(begin).toISOString().slice(0, 10)}: away for ${duration(away)}` : undefined
        done.push({ at, width: 1, day, ...(title !== undefined && { title }) })
      }
      return done
    },
    [],
  )
  return html`<svg class="strip" viewBox="0 0 ${days * 3} 16" preserveAspectRatio="none" role="img" aria-label="${label}">${pieces.map(
    ({ at, width, day, title }) =>
      html`<rect class="${day}" x="${at * 3}" y="${day === 'away' ? 0 : day === 'moment' ? 3 : 6}" width="${width * 3 - (day === 'well' || day === 'unwatched' ? 0 : 0.6)}" height="${day === 'away' ? 16 : day === 'moment' ? 10 : 4}">${title && html`<title>${title}</title>`}</rect>`,
  )}</svg>`
}

function dayOf(away: number, isWatched: boolean): Day {
  if (away >= 3600) return 'away'
  if (away > 0) return 'moment'
  return isWatched ? 'well' : 'unwatched'
}
