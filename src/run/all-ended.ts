/**
 * As Promise.all, but nothing is left under way when one has failed: that is told once the others have come to their
 * end. Hosts in mid-change are not abandoned, and a command that tells an error has nothing more to do.
 */
export async function allEnded<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work)
  return Promise.all(work)
}
