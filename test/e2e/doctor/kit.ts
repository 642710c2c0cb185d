import { expect } from 'vitest'
import type { Machine } from '../../../src/lab/index.ts'
import { until } from '../../../src/lab/local.ts'
import type { DoctorReport, LinkReport } from '../../../src/report/doctor/doctor.ts'
import type { Rehearsal } from '../kit.ts'

/** socket: systemd owns the ports; shared: sshd does, which has another port for people than for devices. */
export const [socket, shared] = ['ssh-gw.guest.internal', 'ssh-gw2.guest.internal']
export const [a, b] = ['host-a.lan.internal', 'host-b.lan.internal']
const through = (gateway: string, port: number) => ({ gateway, port, host: 'localhost', hostPort: 22 })
/** Two devices, and gateways with both listeners. */
export const inventory = {
  login: { user: 'user001' },
  gateways: { [socket]: {}, [shared]: { listener: 'sshd', port: 2222, dial: { port: 22 } } },
  devices: {
    [a]: { forwards: [through(socket, 9022)] },
    [b]: { forwards: [through(socket, 9023), through(shared, 9023)] },
  },
}

/** The unit that keeps a device's tunnel to that gateway. */
export const unit = (gateway: string) => `reverse-tunnel-${gateway}.service`

/** A broken link, as `--json` tells it with its exit code. */
export const named = (link: string, says: RegExp | string, mend: RegExp | string) => ({
  code: 1,
  link,
  state: 'broken',
  says: typeof says === 'string' ? expect.stringContaining(says) : expect.stringMatching(says),
  mend: typeof mend === 'string' ? expect.stringContaining(mend) : expect.stringMatching(mend),
})

/** What a test does to the machines of a lab, and asks them. It may be made before the lab is up. */
export function kitOf(lab: () => Rehearsal) {
  const machine = (name: string): Machine => lab().lab.machine(name)
  async function inside(name: string, script: string): Promise<string> {
    const { code, stdout, stderr } = await machine(name).sh(script)
    if (code !== 0) throw new Error(`${name}: ${script}: ${stderr}`)
    return stdout.trim()
  }
  const holds = async (name: string, condition: string) => {
    const look = async () => (await machine(name).sh(condition)).code === 0 || undefined
    if (!(await until(look, { timeoutMs: 30_000, everyMs: 200 }))) throw new Error(`${name}: never: ${condition}`)
  }

  async function doctor(device: string, from?: string) {
    const words = ['doctor', lab().file, '--device', device, '--json', '--timeout', '4']
    const { code, stdout, stderr } = await lab().provision(words, { ...(from && { from }) })
    if (!stdout.startsWith('{')) throw new Error(`exit code ${code}: ${stderr}`)
    return { code, report: JSON.parse(stdout) as DoctorReport }
  }
  /** The broken link of the tunnel to that gateway. */
  async function diagnosis(device: string, gateway?: string, from?: string): Promise<LinkReport & { code: number }> {
    const { code, report } = await doctor(device, from)
    const tunnel = report.tunnels.find((each) => gateway === undefined || each.gateway === gateway)
    const last = tunnel?.links.at(-1)
    if (!last) throw new Error(`no tunnel: ${JSON.stringify(report)}`)
    return { ...last, code }
  }
  const account = (name: string) => inside(socket, `getent passwd | grep -o '^tunnel-${name}[^:]*'`)

  /** Sits on a port as soon as that is free, and closes whatever comes. */
  async function stranger(name: string, port: number): Promise<void> {
    const listen = `$socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1:${port}", Listen => 5, ReuseAddr => 1) or die`
    const script = `${listen}; while ($caller = $socket->accept) { close $caller }`
    await inside(
      name,
      `systemd-run --quiet --unit=stranger --property=Restart=always perl -MIO::Socket::INET -e '${script.replaceAll('$', '$$$$')}'`,
    )
    await holds(name, `ss -Hltnp 'sport = :${port}' | grep -q perl`)
  }
  /** What the doctor told to run. */
  async function mended(...limit: string[]): Promise<void> {
    await run([lab().file, ...limit.flatMap((name) => ['--limit', name])])
  }

  /**
   * A mend, word by word: `on HOST: COMMANDS`, and runs of provision, one then the other. What follows is advice. Does a
   * run end it: then that has proved the forwards.
   */
  async function carryOut(mend: string): Promise<boolean> {
    const parts = mend.split('; then ')
    for (const part of parts) {
      const [, host, commands = ''] = /^on (\S+): (.*?)(?:: [^']*)?$/s.exec(part) ?? []
      if (host !== undefined) await machine(host).sh(commands)
      else if (part.startsWith('provision ')) await run(part.split(' ').slice(1))
    }
    return parts.at(-1)?.startsWith('provision ') ?? false
  }
  async function run(words: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await lab().provision(words)
    expect({ code, said: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ code: 0, said: '' })
  }

  /** Where time is what mends it. */
  const waited = () => run(['verify', lab().file, '--wait', '45', '--only', 'forwards'])

  return { machine, inside, holds, doctor, diagnosis, account, stranger, mended, carryOut, waited }
}

export type Kit = ReturnType<typeof kitOf>
