// A slow cable for a machine of a lab.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { during, provision, root, run } from './kit.js'

const router = '10.78.0.1'

/**
 * While the work lasts, whatever it sends and hears takes that many milliseconds: a machine in the LAN, or, without a name,
 * the admin machine.
 */
export function withDelay(file, ms, work, name) {
  return ms === 0 ? work() : withLink(file, String(ms), work, name)
}

/** The same for a cable of any kind: `MS/LOSS/KBIT`, as delay.pl has it. */
export async function withLink(file, link, work, name) {
  const { id, machines } = JSON.parse(provision('lab', 'status', file, '--json'))
  const { namespace, address } = machines.find((one) => one.name === name) ?? {
    namespace: `${id}+admin`,
    address: '10.78.0.2',
  }
  const firewall = `${id}+firewall`
  const ip = (where, ...lines) => run('ip', ['-n', where, '-batch', '-'], { input: `${lines.join('\n')}\n` })
  const cable = spawn('perl', [join(root, 'bench/delay.pl'), link, namespace, firewall], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return during(
    async () => {
      const failed = once(cable, 'exit').then(() => Promise.reject(new Error('no slow cable: delay.pl has ended')))
      for (let heard = ''; !/there\nthere\n/.test(heard); )
        heard += (await Promise.race([once(cable.stdout, 'data'), failed]))[0]
      failed.catch(() => {})
      ip(firewall, 'link set slow master lan up')
      ip(
        namespace,
        'link set eth0 down',
        `addr del ${address}/16 dev eth0`,
        `addr add ${address}/16 dev slow`,
        'link set slow up',
        `route add default via ${router}`,
      )
      return await work()
    },
    () => {
      cable.kill()
      try {
        ip(
          namespace,
          `addr add ${address}/16 dev eth0`,
          'link set eth0 up',
          `route replace default via ${router} dev eth0`,
        )
      } catch {
        // Where the lab is gone by now, there is nothing to mend.
      }
    },
  )
}
