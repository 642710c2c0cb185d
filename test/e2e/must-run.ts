import type { Machine } from '../../src/lab/index.ts'

/** What a script says on a machine. It is an error unless it ends well. */
export async function mustRun(machine: Machine, script: string): Promise<string> {
  const { code, stdout, stderr } = await machine.sh(script)
  if (code !== 0) throw new Error(`${machine.name}: ${script}: ${stderr}`)
  return stdout
}
