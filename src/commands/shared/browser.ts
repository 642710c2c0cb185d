import { spawn } from 'node:child_process'

/** The machine that somebody sits at. */
interface Seat {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
}

/** How a page is shown there; undefined: nobody would see it. */
export function browserCommand(address: string, { platform, env }: Seat): readonly [string, ...string[]] | undefined {
  if (env.BROWSER) return [env.BROWSER, address]
  if (platform === 'darwin') return ['open', address]
  if (platform === 'win32') return ['cmd', '/c', 'start', '', address]
  return env.DISPLAY || env.WAYLAND_DISPLAY || env.WSL_DISTRO_NAME ? ['xdg-open', address] : undefined
}

/** Not waited for. Where there is none, the address was printed all the same. */
export function startBrowser(address: string, seat: Seat): void {
  const [program, ...words] = browserCommand(address, seat) ?? []
  if (program === undefined) return
  const child = spawn(program, words, { stdio: 'ignore', detached: true })
  child.on('error', () => void process.stderr.write(`${program} could not be started: open the address yourself\n`))
  child.unref()
}
