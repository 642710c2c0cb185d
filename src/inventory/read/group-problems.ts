import type { Path, Problems } from './problems.ts'

interface Shared {
  readonly path: Path
  readonly sentence: string
  readonly devices: Set<string>
}

/**
 * Problems with devices, reported where they were written. One that a group gives to many devices is reported once, and
 * with it the first of them.
 */
export function throughGroups(problems: Problems, written: (path: Path) => Path): Problems {
  const shared = new Map<string, Shared>()
  const tell = (path: Path, sentence: string, direct: (path: Path) => void) => {
    const place = written(path)
    if (place === path) return direct(path)
    const device = String(path[1])
    const kind = `${place.join('\0')}\0${sentence.replaceAll(/\d+/g, '#')}`
    const told = shared.get(kind) ?? { path: place, sentence, devices: new Set() }
    told.devices.add(device)
    shared.set(kind, told)
  }
  return {
    ...problems,
    add: (path, sentence) => tell(path, sentence, (here) => problems.add(here, sentence)),
    addAtKey: (path, sentence) => tell(path, sentence, (here) => problems.addAtKey(here, sentence)),
    has(path) {
      const place = written(path)
      const below = (other: Path) => place.every((segment, index) => other[index] === segment)
      return problems.has(place) || [...shared.values()].some((told) => below(told.path))
    },
    line: (where) => problems.line(typeof where === 'number' ? where : written(where)),
    throwIfAny() {
      for (const { path, sentence, devices } of shared.values()) {
        const [first, ...others] = devices
        problems.add(path, `${sentence} (${first}${others.length > 0 ? ` and ${others.length} more` : ''})`)
      }
      shared.clear()
      problems.throwIfAny()
    },
  }
}
