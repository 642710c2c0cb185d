import { gzipSync } from 'node:zlib'

/** Below, the two programs cost more than the bytes. */
const worthPacking = 2000

/**
 * The same script in about a third of the bytes: over 64 kbit/s they are what a run waits for. The shell that reads it
 * runs it itself, so that its stdin is the script's. Where base64 or gzip is missing or fails, nothing is run, and the
 * exit code says so. sshd's own compression is no way: ssh2 ends the process where a connection with it is lost
 * (mscdex/ssh2 issue 1178).
 */
export function packed(script: string): string {
  if (script.length < worthPacking) return script
  const text = gzipSync(script).toString('base64')
  return `script=$(base64 -d <<'END_OF_SCRIPT' | gzip -dc\n${text}\nEND_OF_SCRIPT\n) && eval "$script"\n`
}
