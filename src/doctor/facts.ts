/** What a machine told about itself: name → what was printed there. */
export type Facts = ReadonlyMap<string, string>

export function parseFacts(stdout: Buffer): Facts {
  const rows = stdout.toString('latin1').matchAll(/^@fact (\S+) (\S*)$/gm)
  return new Map([...rows].map(([, name = '', text = '']) => [name, Buffer.from(text, 'base64').toString('utf8')]))
}

/** What `systemctl show` prints of one unit. */
export function properties(text: string | undefined): Readonly<Record<string, string>> {
  const rows = (text ?? '').split('\n').flatMap((row) => (row.includes('=') ? [row.split(/=(.*)/s, 2)] : []))
  return Object.fromEntries(rows.map(([name = '', value = '']) => [name, value]))
}

export interface Holder {
  readonly address: string
  readonly program: string
  readonly pid: number
  readonly user: string
  readonly command: string
  /** The unit that it belongs to, where systemd has one. */
  readonly unit: string | undefined
}

/** Who listens on a port, a row for each process and address. */
export function holders(text: string | undefined): Holder[] {
  const rows = (text ?? '').split('\n')
  const processes = new Map(
    rows.flatMap((row) => {
      const [, pid, unit, user = '', command = ''] = /^process (\d+) (\S+) ?(\S*) ?(.*)$/.exec(row) ?? []
      return pid ? [[Number(pid), { unit: unit === '-' ? undefined : unit, user, command }] as const] : []
    }),
  )
  return rows.flatMap((row) => {
    const address = /^LISTEN \s*\d+\s+\d+\s+(\S+):\d+\s/.exec(row)?.[1]
    if (address === undefined) return []
    return [...row.matchAll(/\("([^"]+)",pid=(\d+)/g)].map(([, program = '', pid]) => {
      const found = processes.get(Number(pid)) ?? { unit: undefined, user: '', command: '' }
      return { address: address.replace(/^\[|\]$|%.*/g, ''), program, pid: Number(pid), ...found }
    })
  })
}
