import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isThere } from '../../../src/files/atomic.ts'
import type { Machine } from '../../../src/lab/index.ts'
import { until } from '../../../src/lab/local.ts'

/** A moment of a first boot, as seen from outside: of what is on the disk, or in memory (below /run). */
export type Moment = (machine: Machine) => Promise<boolean>

export const onDisk =
  (path: string): Moment =>
  ({ root }) =>
    isThere(join(root, path))
export const inMemory =
  (path: string): Moment =>
  async (machine) =>
    isThere(join('/proc', String(await machine.leader().catch(() => 0)), 'root', path))

/** The seed is done for good: its unit has taken itself away. */
export async function settled(machine: Machine, timeoutMs = 120_000): Promise<void> {
  const home = join(machine.root, 'var/lib/provision/first-boot')
  const done = async () =>
    ((await isThere(join(home, 'finished'))) && !(await isThere(join(home, 'seed.sh')))) || undefined
  if (await until(done, { timeoutMs })) return
  throw new Error(`${machine.name}: its first boot has no end: ${await storyOf(machine)}`)
}

/** Its power goes as soon as this can be seen, and comes back. */
export async function cutAt(machine: Machine, moment: Moment): Promise<void> {
  const seen = await until(async () => (await moment(machine)) || undefined, { timeoutMs: 60_000, everyMs: 5 })
  if (!seen) throw new Error(`${machine.name}: the moment for a power cut did not come: ${await storyOf(machine)}`)
  await machine.kill()
  await machine.boot()
}

export async function storyOf(machine: Machine): Promise<string> {
  const { stdout } = await machine.sh(
    'journalctl --no-pager -n 80 -o short-monotonic; cat /var/log/cloud-init-output.log',
  )
  return stdout
}

/** Whoever may ask at the gateway hears the device's sshd there. */
export async function answering(gateway: Machine, port: number, timeoutMs = 60_000): Promise<void> {
  const script = `for try in $(seq ${timeoutMs / 250}); do
  if exec 3<>/dev/tcp/127.0.0.1/${port} && read -r -t 5 line <&3 && [[ $line == SSH-2.0-* ]]; then exit 0; fi 2>/dev/null
  exec 3>&-
  sleep 0.25
done
exit 1`
  const { code } = await gateway.exec(['bash', '-c', script], { timeoutMs: timeoutMs + 60_000 })
  if (code !== 0) throw new Error(`nobody answers at ${gateway.name}:${port}`)
}

/** Files of the machine that hold one of these words: on all of its disk that was ever written, and in memory; its journal, too. */
export async function filesWith(machine: Machine, words: readonly string[]): Promise<readonly string[]> {
  const disk = join(machine.root, '..')
  const places = [join(disk, 'upper'), join(disk, 'boot')]
  const memory = `/proc/${await machine.leader()}/root`
  const grep = ['-rlsF', '--devices=skip', ...words.flatMap((word) => ['-e', word])]
  const found = await Promise.all(
    [places, ['run', 'tmp'].map((folder) => join(memory, folder))].map((folders) =>
      promisify(execFile)('grep', [...grep, ...folders]).then(
        ({ stdout }) => stdout.trim().split('\n'),
        ({ code, stdout, stderr }) => {
          if (code !== 1) throw new Error(`grep: ${code} ${stdout} ${stderr}`)
          return []
        },
      ),
    ),
  )
  return found
    .flat()
    .map((path) => path.replace(memory, '').replace(disk, ''))
    .sort()
}

/** What nobody but the card may ever have: its token, and its one-time key. */
export async function secretsOf(seeds: string): Promise<readonly string[]> {
  const text = await readFile(join(seeds, 'provision-seed.sh'), 'utf8')
  const token = /token (\w{32})/.exec(text)?.[1]
  const key = /BEGIN OPENSSH PRIVATE KEY-----\n.*\n.*\n(\S+)\n/.exec(text)?.[1]
  if (!token || !key) throw new Error('no secrets in the seed')
  return [token, key]
}
