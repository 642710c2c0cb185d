/** What `running sshd` shows of a host: by default a Debian whose ssh.service has read all that is there. */
export interface SshdState {
  readonly title?: string
  /** As `systemctl show` prints it. */
  readonly units?: string
  /** Path → its ctime, in seconds from when the clock says 1000; the process was started at 500. */
  readonly changed?: Readonly<Record<string, number>>
  /** When the pid file was written; by whom. */
  readonly read?: number
  readonly writer?: string
  /** Path → its lines. */
  readonly files?: Readonly<Record<string, readonly string[]>>
  readonly inForce?: Readonly<Record<string, readonly string[]>>
  readonly keys?: readonly string[]
}

export const config = '/etc/ssh/sshd_config'
export const dropIns = '/etc/ssh/sshd_config.d'
const stock = { [config]: ['Include /etc/ssh/sshd_config.d/*.conf', 'UsePAM yes'] }
export const service = (more = '') => `MainPID=30\nCanReload=yes\nKillMode=process\nId=ssh.service\n${more}`

export function observedSshd(how: SshdState = {}): string {
  const { title = 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups', units = service(), changed = {} } = how
  const { read = 500, writer = '30', files = stock, inForce, keys = [] } = how
  const rows = Object.entries({
    [dropIns]: 100,
    ...Object.fromEntries(Object.keys(files).map((path) => [path, 100])),
    ...changed,
  })
  return [
    // Up for 2000 s, and started 500 s ago.
    `@sshd 30 150000 2000.00 1000.000000000 ${writer} ${title}`,
    units,
    `@path f ${read}.5000000000 ${read}.5000000000 /run/sshd.pid`,
    ...rows.map(([path, at]) => `@path ${path === dropIns ? 'd' : 'f'} 50.0000000000 ${at}.0000000000 ${path}`),
    ...keys.map((key) => `@key ${key}`),
    '@lines',
    ...linesOf(files),
    ...(inForce ? ['@in-force', '@unit ssh.service', ...linesOf(inForce)] : []),
    '',
  ].join('\n')
}

const linesOf = (files: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(files).flatMap(([path, lines]) => lines.map((line) => `${path}:${line}`))

/** For a `Seen`: that of this host, and nothing else. */
export const here = (id: string) => (id === 'running sshd' ? observedSshd() : undefined)
