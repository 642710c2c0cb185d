import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import { device } from './cast.ts'

/** A second key of the person who runs provision: every machine lets it in already. */
export const loginKey = ({ it }: Bench): string => join(it.folder, 'second-key')

const annasKeyFile = ({ it }: Bench) => join(it.folder, 'annas-key')
export const annasKey = (bench: Bench): string => readFileSync(`${annasKeyFile(bench)}.pub`, 'utf8').trim()

/** By the key that the inventory gave her, from the LAN. */
export async function annaLogsIn(bench: Bench, wanted: boolean): Promise<string[]> {
  const { lab } = bench.it
  const pins = ['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${lab.knownHosts}`]
  const words = ['ssh', '-F', 'none', '-i', annasKeyFile(bench), '-o', 'BatchMode=yes', ...pins, `anna@${device}`, 'id']
  const { code, stderr } = await lab.run(words)
  if (wanted) return code === 0 ? [] : [`anna is not let in by her key: ${stderr.trim()}`]
  return code === 0 ? ['anna is still let in by the key that was taken back'] : []
}
