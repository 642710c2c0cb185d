/** What is not taken over. */
export interface Leftovers {
  /** `place`: where it is written, as `FILE:LINE`; default: the line of the host. */
  add(what: string, host: string, place?: string): void
  /** The same of many hosts is one sentence, with the first place. */
  sentences(): string[]
}

export function leftovers(placeOf: (host: string) => string | undefined = () => undefined): Leftovers {
  const of = new Map<string, { readonly hosts: Set<string>; readonly places: Set<string> }>()
  return {
    add(what, host, place = placeOf(host)) {
      const { hosts, places } = of.get(what) ?? { hosts: new Set(), places: new Set() }
      hosts.add(host)
      if (place !== undefined) places.add(place)
      of.set(what, { hosts, places })
    },
    sentences: () =>
      [...of].map(
        ([what, { hosts, places }]) => `${some(hosts)}: ${what}${places.size > 0 ? ` (${some(places)})` : ''}`,
      ),
  }
}

function some(all: ReadonlySet<string>): string {
  const [first, ...others] = all
  return `${first}${others.length > 0 ? ` and ${others.length} more` : ''}`
}
