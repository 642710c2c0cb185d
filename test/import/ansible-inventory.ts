import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** What `ansible-inventory --list` says of one file after the other, by an Ansible that is loaded once. */
export function ansibleInventory(home: string) {
  const program = spawn('/usr/bin/python3', [join(import.meta.dirname, 'ansible-inventory.py')], {
    env: { ...process.env, HOME: home, LC_ALL: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]()
  return {
    async list(file: string): Promise<string> {
      program.stdin.write(`${file}\n`)
      const said: string[] = []
      for (;;) {
        const { value, done } = await lines.next()
        if (done || /^--- [^0]/.test(value)) throw new Error(`ansible-inventory --list of ${file} failed`)
        if (value === '--- 0') return said.join('\n')
        said.push(value)
      }
    },
    end: () => program.stdin.end(),
  }
}
