/** What is not taken over. */
export interface Leftovers {
  add(what: string, host: string): void
  /** The same of many hosts is one sentence. */
  sentences(): string[]
}

export function leftovers(): Leftovers {
  const of = new Map<string, Set<string>>()
  return {
    add: (what, host) => void of.set(what, (of.get(what) ?? new Set()).add(host)),
    sentences: () =>
      [...of].map(([what, hosts]) => {
        const [first, ...others] = hosts
        return `${first}${others.length > 0 ? ` and ${others.length} more` : ''}: ${what}`
      }),
  }
}
