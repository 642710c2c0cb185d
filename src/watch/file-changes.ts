import { stat } from 'node:fs/promises'

/** Stands for these files as they are now. One that is not there is another one once it is. */
export async function stampOf(files: readonly string[]): Promise<string> {
  const all = files.map((file) =>
    stat(file).then(
      ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
      () => '-',
    ),
  )
  return (await Promise.all(all)).join()
}

const everyMs = 2_000

/** Resolves with the new stamp when that of the files has changed, or when all is to end. */
export async function changeOf(
  files: readonly string[],
  before: string,
  { ended, sleep }: { readonly ended: AbortSignal; readonly sleep: (ms: number) => Promise<unknown> },
): Promise<string> {
  while (!ended.aborted) {
    await sleep(everyMs)
    const now = await stampOf(files)
    if (now !== before) return now
  }
  return before
}
