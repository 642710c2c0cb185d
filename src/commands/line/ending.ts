/** Who reads our output has read enough, as `head` does: nothing is left to be done, or told. */
export function endQuietly(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(readerGone)
  })
}

/** As a shell counts an end by SIGPIPE. */
const readerGone = 141

/**
 * How every command ends that is ended from outside. Ctrl-C: exit code 130; a command that has something to finish
 * listens itself. A reader that has gone away (`| head`): without a word, and a run that changes hosts goes on.
 */
export function endWell(): void {
  const alone = () => process.listenerCount('SIGINT') === 1
  process.on('SIGINT', () => {
    if (alone()) process.exit(130)
  })
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      if (alone()) process.exit(readerGone)
    })
}
