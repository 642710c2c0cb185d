import { basename } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files of more than half a minute, the longest first. One of them begun last would run alone, with a core idle. */
const long = [
  'kills',
  'faults',
  'card',
  'attacks',
  'watch',
  'edits',
  'ends',
  'odd-hosts',
  'strangers',
  'cards',
  'rollback',
  'doctor',
  'rename',
  'patience',
  'gateway-died',
  'trials',
  'undo',
  'exit-codes',
  'ci',
  'enrolment',
  'image',
  'effective',
  'states',
  'two-gateways',
  'host-key',
  'rotate',
  'penalties',
  'sandbox',
  'examples',
  'recipes',
  'drill',
  'dormant',
  'ways',
  'own-block',
  'kill',
  'words',
  'lock',
  'parts',
  'storage',
  'by-hand',
  'tutorial',
  'package',
  'least-privilege',
]

/**
 * One group of projects after the other, and in each the longest files first. On a clean checkout vitest has no durations
 * of an earlier run: it would go by project, and then by the size of files, which says little about their time.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => groupOf(one) - groupOf(other) || placeOf(one) - placeOf(other))
  }
}

const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder

function placeOf({ project, moduleId }: TestSpecification): number {
  if (project.name === 'unit') return Number.POSITIVE_INFINITY
  const place = long.indexOf(basename(moduleId, '.test.ts'))
  return place < 0 ? long.length : place
}
