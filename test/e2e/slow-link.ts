import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Lab } from '../../src/lab/index.ts'
import { local } from '../../src/lab/local.ts'

const cable = join(import.meta.dirname, '../../bench/delay.pl')

/** From now on all that this machine of the LAN sends and hears takes so many milliseconds. One machine of a lab at a time. */
export async function slowLink({ id, machine }: Lab, name: string, ms: number): Promise<() => Promise<void>> {
  const { namespace, address } = machine(name)
  const firewall = `${id}+firewall`
  const child = spawn('perl', [cable, String(ms), namespace, firewall], { stdio: ['ignore', 'pipe', 'inherit'] })
  for (let heard = ''; !/there\nthere\n/.test(heard); ) {
    const [chunk] = await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error('the slow cable has ended'))),
    ])
    heard += String(chunk)
  }
  const routes = await local(['ip', '-n', namespace, 'route', 'show', 'default'])
  const [, via = ''] = /^default via (\S+)/.exec(routes) ?? []
  const ip = (where: string, ...words: string[]) => local(['ip', '-n', where, ...words])
  await ip(firewall, 'link', 'set', 'slow', 'master', 'lan', 'up')
  await ip(namespace, 'link', 'set', 'eth0', 'down')
  await ip(namespace, 'addr', 'del', `${address}/16`, 'dev', 'eth0')
  await ip(namespace, 'addr', 'add', `${address}/16`, 'dev', 'slow')
  await ip(namespace, 'link', 'set', 'slow', 'up')
  await ip(namespace, 'route', 'add', 'default', 'via', via)
  return async () => {
    child.kill()
    await once(child, 'exit')
  }
}
