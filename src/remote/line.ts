import { sh } from '../shell/sh.ts'

/** The words after `--` as a shell line. As with ssh, one word is a line; several are one command, each as it is. */
export const lineOf = (words: readonly string[]): string => {
  const [only, ...more] = words
  return only !== undefined && more.length === 0 ? only : sh`${words}`.text
}
