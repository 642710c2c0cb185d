import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../../dist.ts'

export const program = `'${process.execPath}' '${join(root, 'bin/provision.js')}'`

/** A shell line in a terminal of that width (script(1)), and a key that is pressed when that was printed, or happened. */
export async function typed(
  line: string,
  {
    columns = 80,
    cwd,
    when,
    key = '',
  }: { columns?: number; cwd: string; when?: RegExp | Promise<unknown>; key?: string },
): Promise<{ code: number | null; screen: string }> {
  const { CI: _, PROVISION_INVENTORY: __, ...env } = process.env
  const child = spawn('script', ['-qfec', `stty cols ${columns}; ${line}`, '/dev/null'], { cwd, env, stdio: 'pipe' })
  let screen = ''
  let waiting = when instanceof RegExp
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text
    if (!waiting || !(when as RegExp).test(screen)) return
    waiting = false
    child.stdin.write(key)
  })
  if (when instanceof Promise) when.then(() => child.stdin.write(key))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, screen: screen.replaceAll('\r', '') }
}
