import { execFile } from 'node:child_process'

/** Tells systemd how this process is (sd_notify(3)) where systemd waits for that; else it does nothing. */
export interface Notifier {
  /** It works: said once a second at least, and told as often as needed. `status`: a line for `systemctl status`. */
  well(status: string): void
}

/**
 * Node opens no datagram socket of that kind, so systemd's own program sends it: a few milliseconds, when the status is
 * another one and three times in the time after which systemd takes us for frozen.
 */
export function notifier(
  { NOTIFY_SOCKET, WATCHDOG_USEC }: Readonly<Record<string, string | undefined>>,
  { now = () => performance.now(), send = systemdNotify } = {},
): Notifier {
  const everyMs = WATCHDOG_USEC === undefined ? Number.POSITIVE_INFINITY : Number(WATCHDOG_USEC) / 3000
  let last: { readonly status: string; readonly at: number } | undefined
  let sending = false
  return {
    well(status) {
      const fresh = last?.status === status && now() - last.at < everyMs
      if (NOTIFY_SOCKET === undefined || sending || fresh) return
      last = { status, at: now() }
      sending = true
      // What comes too late, or not at all, is what the watchdog is there for.
      send(['--ready', `--status=${status}`, 'WATCHDOG=1'], () => {
        sending = false
      })
    },
  }
}

function systemdNotify(words: string[], done: () => void): void {
  execFile('systemd-notify', words, { timeout: 10_000 }, done)
}
