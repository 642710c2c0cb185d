import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CaptureOptions, capture } from '../../../src/lab/run.ts'
import { root } from '../../dist.ts'
import { person, type Rehearsal } from '../kit.ts'
import { type Block, type Command, isShown, linesOf } from './page.ts'

/**
 * Does what a page says, in its order, in the folder of the inventory.
 * @returns what is not as the page shows it: the command, and what it printed
 */
export async function walk(it: Rehearsal, blocks: readonly Block[]): Promise<string[]> {
  const path = await shim(it.folder)
  const wrong: string[] = []
  for (const block of blocks) {
    if (block.kind === 'inventory') await it.rewrite(block.text)
    else if (block.kind === 'edit') wrong.push(...(await edit(it, block)))
    else
      for (const command of block.commands) {
        const { code, stdout } = await run(it, command, path)
        if (code !== command.code || !isShown(command.shown, linesOf(stdout)))
          wrong.push(
            `$ ${command.line}\n${stdout}exit code ${code}, and the page shows ${command.code} and\n${command.shown.join('\n')}`,
          )
      }
  }
  return wrong
}

async function edit({ file, rewrite }: Rehearsal, { from, to }: Extract<Block, { kind: 'edit' }>): Promise<string[]> {
  const text = await readFile(file, 'utf8')
  if (text.split(from).length !== 2) return [`not once in the inventory:\n${from}in\n${text}`]
  await rewrite(text.replace(from, () => to))
  return []
}

/** A folder for PATH, where `provision` is what was built. */
async function shim(folder: string): Promise<string> {
  const bin = join(folder, '.bin')
  await mkdir(bin)
  const file = join(bin, 'provision')
  await writeFile(file, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin/provision.js')}" "$@"\n`)
  await chmod(file, 0o755)
  return `${bin}:${process.env.PATH}`
}

function run(it: Rehearsal, { line, on, as, anywhere }: Command, path: string) {
  const options: CaptureOptions = { timeoutMs: 180_000 }
  const script = `{ ${line}\n} 2>&1`
  if (on !== undefined) {
    const machine = it.lab.machine(on)
    return as === undefined ? machine.sh(script, options) : person(machine, script, { user: as, ...options })
  }
  const argv = ['env', '-C', it.folder, 'bash', '-c', script] as const
  const env = {
    PATH: path,
    // As an admin's own machine, with the pins beside the inventory.
    CI: '',
    GITHUB_ACTIONS: '',
    PROVISION_KNOWN_HOSTS: '',
    NO_COLOR: '1',
    ...Object.fromEntries(
      ['GIT_AUTHOR', 'GIT_COMMITTER'].flatMap((who) => [
        [`${who}_NAME`, 'alice'],
        [`${who}_EMAIL`, 'alice@example.com'],
      ]),
    ),
    ...(process.env.PROVISION_COVERAGE && { NODE_V8_COVERAGE: process.env.PROVISION_COVERAGE }),
  }
  // The lab's own commands are given outside of it.
  if (line.startsWith('provision lab ')) return capture({ argv: [...argv], env: { ...process.env, ...env } }, options)
  return it.lab.run(argv, { from: anywhere ? 'guest' : 'lan', env, ...options })
}
