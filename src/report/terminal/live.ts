import type { Progress } from './progress.ts'
import type { Terminal } from './screen.ts'

interface State {
  readonly phase: string
  /** Since then; in milliseconds, as `now` tells. */
  readonly since: number
}

interface Work {
  readonly began: number
  readonly waiting: Set<string>
  readonly total: number
}

export interface LiveOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number
  /** How often what is on the screen is drawn anew, in milliseconds. */
  readonly everyMs?: number
}

const bad = new Set(['rejected', 'undone', 'undo-failed', 'unreachable', 'unknown'])
const slowest = 10
/** For its slot: that is not its own slowness. */
const waits = 'waits'
const barWidth = 30
/** Below that, an estimate says nothing. */
const tellingMs = 2000

/**
 * On a terminal, redrawn in place, and gone when the summary is printed. As long as there is room a line for each host;
 * beyond that how much is done, how many hosts are where, and the slowest. There a host that failed gets a line that
 * stays.
 */
export function liveProgress(
  out: Terminal,
  { now = () => performance.now(), everyMs = 100 }: LiveOptions = {},
): Progress {
  const states = new Map<string, State>()
  const works = new Map<string, Work>()
  const ends = new Map<string, string>()
  let drawn = 0
  let last = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  /** While a question is open: what is to be written after it. */
  let held: string[] | undefined
  const room = () => Math.max((out.rows || 24) - 2, 1)
  const isCrowd = () => states.size > room()

  const erased = () => {
    const back = drawn > 0 ? `\x1b[${drawn}A\x1b[J` : ''
    drawn = 0
    return back
  }
  const draw = () => {
    clearTimeout(timer)
    timer = undefined
    if (held) return
    last = now()
    const rows = (isCrowd() ? crowd() : each()).slice(0, room())
    // In one piece, so that nobody sees the half of it.
    out.write(`${erased()}${rows.map((row) => `${row.slice(0, (out.columns || 80) - 1)}\n`).join('')}`)
    drawn = rows.length
  }
  const soon = () => {
    const wait = last + everyMs - now()
    if (wait <= 0) draw()
    else timer ??= setTimeout(draw, wait).unref()
  }

  const each = () => {
    const width = Math.max(...[...states.keys()].map((host) => host.length), 0)
    return [...states].map(([host, { phase }]) => `${host.padEnd(width)}  ${ends.get(host) ?? `${phase} …`}`)
  }
  const crowd = () => {
    const isUnderWay = (host: string) => !ends.has(host) && [...works.values()].some(({ waiting }) => waiting.has(host))
    const under = [...states].filter(([host]) => isUnderWay(host))
    const old = under
      .filter(([, { phase }]) => phase !== waits)
      .sort(([, one], [, other]) => one.since - other.since)
      .slice(0, slowest)
    const width = Math.max(...old.map(([host]) => host.length), 0)
    return [
      ...[...works].filter(([, { waiting }]) => waiting.size > 0).map(([name, work]) => bar(name, work, now())),
      [counts(under.map(([, { phase }]) => phase.split(' ', 1)[0] ?? '')), counts([...ends.values()])]
        .filter(Boolean)
        .join('; '),
      ...old.map(
        ([host, { phase, since }]) => `  ${host.padEnd(width)}  ${seconds(now() - since).padStart(5)}  ${phase}`,
      ),
    ]
  }

  const set = (host: string, phase: string) => {
    if (states.get(host)?.phase === phase) return
    states.set(host, { phase, since: now() })
    soon()
  }
  const note = (text: string) => {
    if (held) return void held.push(text)
    out.write(`${erased()}${text}\n`)
    draw()
  }
  const close = () => {
    clearTimeout(timer)
    timer = undefined
    out.write(erased())
  }
  const finish = () => {
    close()
    for (const each of [states, works, ends]) each.clear()
  }
  return {
    expect(work, hosts) {
      const names = new Set(hosts)
      works.set(work, { began: now(), waiting: names, total: names.size })
      for (const host of names) if (!states.has(host)) states.set(host, { phase: waits, since: now() })
    },
    phase: set,
    over(work, host) {
      if (works.get(work)?.waiting.delete(host)) soon()
    },
    end(host, outcome) {
      if (ends.get(host) === outcome) return
      ends.set(host, outcome)
      if (!states.has(host)) states.set(host, { phase: outcome, since: now() })
      if (isCrowd() && bad.has(outcome)) note(`${host}: ${outcome}`)
      else soon()
    },
    note,
    async during(question) {
      close()
      const waiting: string[] = []
      held = waiting
      return question().finally(() => {
        held = undefined
        for (const text of waiting) note(text)
        draw()
      })
    },
    close: finish,
  }
}

function bar(name: string, { began, waiting, total }: Work, now: number): string {
  const done = total - waiting.size
  const full = Math.floor((barWidth * done) / total)
  const spent = now - began
  const left = done > 0 && spent >= tellingMs ? `, about ${seconds((spent / done) * waiting.size)} left` : ''
  return `${name.padEnd(10)} ${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${done} of ${total}${left}`
}

function counts(words: readonly string[]): string {
  const found = new Map<string, number>()
  for (const word of words.toSorted()) found.set(word, (found.get(word) ?? 0) + 1)
  return [...found].map(([word, count]) => `${count} ${word}`).join(', ')
}

const seconds = (ms: number) => (ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`)
