import { access, readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { InventoryError } from '../errors.ts'
import { foundIn } from './ansible.ts'
import { readIni } from './ansible-ini.ts'
import type { Found } from './found.ts'
import { foundInConfig } from './open-ssh.ts'
import type { ImportSource } from './sources.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What the file says of machines. `from`: what it is; else its text tells. @throws InventoryError */
export async function readFound(file: string, from: ImportSource | undefined, env: Env): Promise<Found> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InventoryError(`${file} cannot be read (${error.code})`, 'name an inventory of Ansible, or an ssh_config')
  })
  const source = from ?? sourceOf(text, extname(file))
  if (source === 'ssh-config') return foundInConfig(file, env)
  // A program says nothing of hosts by itself.
  if (text.startsWith('#!')) {
    throw new InventoryError(
      `${file} is a program`,
      `run it: ansible-inventory -i ${file} --list >hosts.json, and import that`,
    )
  }
  const tree = source === 'ansible-ini' ? readIni(text, file) : (await import('./ansible-yaml.ts')).readYaml(text, file)
  const found = foundIn(tree)
  return { ...found, left: [...found.left, ...(await besides(file))] }
}

function sourceOf(text: string, extension: string): ImportSource {
  const lines = text.split('\n').filter((line) => !/^\s*([#;].*)?$/.test(line))
  if (lines.some((line) => /^\s*(Host|Match|Include)[\s=]/i.test(line) && !/^\s*host\S*:/i.test(line)))
    return 'ssh-config'
  if (/^\.(ya?ml|json)$/.test(extension) || /^\s*(---|\{)/.test(lines[0] ?? '')) return 'ansible-yaml'
  return /^\s*[A-Za-z_]\w*:\s*$/.test(lines[0] ?? '') ? 'ansible-yaml' : 'ansible-ini'
}

/** Files of variables are Ansible's own to put together. */
async function besides(file: string): Promise<string[]> {
  const folders = ['group_vars', 'host_vars'].map(async (name) => {
    const there = await access(join(dirname(file), name)).then(
      () => true,
      () => false,
    )
    return there
      ? [
          `${name}/: not read; \`ansible-inventory -i ${file} --list\` puts all variables together, import what it prints`,
        ]
      : []
  })
  return (await Promise.all(folders)).flat()
}
