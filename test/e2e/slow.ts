import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Lab } from '../../src/lab/index.ts'
import { local, until } from '../../src/lab/local.ts'

/** While the work lasts, every frame that a machine of the LAN sends or hears takes so many milliseconds. */
export async function slowly<T>(lab: Lab, name: string, ms: number, work: () => Promise<T>): Promise<T> {
  const { namespace, address } = lab.machine(name)
  const firewall = `${lab.id}+firewall`
  const program = join(import.meta.dirname, '../../bench/delay.pl')
  const ip = (where: string, ...lines: string[]) =>
    local(['ip', '-n', where, '-batch', '-'], { input: `${lines.join('\n')}\n` })
  const cable = spawn('perl', [program, String(ms), namespace, firewall], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    for (let heard = ''; !/there\nthere\n/.test(heard); ) heard += String((await once(cable.stdout, 'data'))[0])
    await ip(firewall, 'link set slow master lan up')
    await ip(
      namespace,
      'link set eth0 down',
      `addr del ${address}/16 dev eth0`,
      `addr add ${address}/16 dev slow`,
      'link set slow up',
      'route add default via 10.78.0.1',
    )
    return await work()
  } finally {
    cable.kill()
    await once(cable, 'exit')
    await ip(namespace, `addr add ${address}/16 dev eth0`, 'link set eth0 up', 'route replace default via 10.78.0.1')
    // Until its neighbours have learnt that it is there.
    const answers = async () => (await lab.run(['ssh-keyscan', '-T', '2', name])).stdout !== '' || undefined
    await until(answers, { timeoutMs: 60_000 })
  }
}
