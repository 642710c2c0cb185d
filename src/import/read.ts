import { access, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { InventoryError } from '../errors.ts'
import { foundIn, type PlaceOf } from './ansible.ts'
import { readIni } from './ansible-ini.ts'
import type { Found } from './found.ts'
import { foundInConfig } from './open-ssh.ts'
import type { ImportSource } from './sources.ts'
import { foundInTunnels, holdsTunnels } from './tunnel-commands.ts'

export interface ReadOptions {
  /** What it is; else its text tells. */
  readonly from?: ImportSource | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Who runs the command lines that are read (default: this machine), or has the ssh_config. */
  readonly device?: string | undefined
  /** Told before anything that the file says is run. */
  readonly say: (sentence: string) => void
}

/** What the file says of machines; `-` is what comes from stdin. @throws InventoryError */
export async function readFound(file: string, { from, env, device, say }: ReadOptions): Promise<Found> {
  const content = await textOf(file)
  const source = from ?? sourceOf(content, extname(file))
  if (source === 'ssh-config' && file === '-')
    throw new InventoryError('an ssh_config cannot come from stdin', 'name its file')
  if (source === 'ssh-config') return foundInConfig(file, { env, say, device })
  if (source !== 'ssh-command' && device !== undefined)
    throw new InventoryError('--device says who runs ssh -R, and this is an inventory of Ansible', 'leave it out')
  if (source !== 'ssh-command') return foundInAnsible(content, file, source)
  if (device === undefined)
    say(`${hostname()}, this machine, is taken for the one that runs these commands: --device NAME names another`)
  return foundInTunnels(content, { file, device: device ?? hostname() })
}

async function textOf(file: string): Promise<string> {
  if (file === '-') return text(process.stdin)
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EISDIR')
      throw new InventoryError(`${file} is a folder`, `let Ansible read it: ${listed(file)}; of ssh, name the file`)
    throw new InventoryError(`${file} cannot be read (${error.code})`, 'name an inventory of Ansible, or an ssh_config')
  })
}

async function foundInAnsible(text: string, file: string, source: ImportSource): Promise<Found> {
  // A program says nothing of hosts by itself.
  if (text.startsWith('#!')) throw new InventoryError(`${file} is a program`, `run it: ${listed(file)}`)
  if (text.startsWith('$ANSIBLE_VAULT'))
    throw new InventoryError(
      `${file} is encrypted with ansible-vault`,
      `let Ansible read it: ${listed(file, '--ask-vault-pass ')}; or decrypt it with ansible-vault decrypt`,
    )
  const { tree, skipped } =
    source === 'ansible-ini'
      ? { tree: readIni(text, file), skipped: [] }
      : (await import('./ansible-yaml.ts')).readYaml(text, file)
  const found = foundIn(tree, placesIn(text, file))
  return { ...found, left: [...skipped, ...found.left, ...(await besides(file))] }
}

const listed = (file: string, option = '') =>
  `ansible-inventory -i ${file} ${option}--list >hosts.json, and import that`

function sourceOf(text: string, extension: string): ImportSource {
  if (!/^\.(ya?ml|json|ini)$/.test(extension) && holdsTunnels(text)) return 'ssh-command'
  const lines = text.split('\n').filter((line) => !/^\s*([#;].*)?$/.test(line))
  if (lines.some((line) => /^\s*(Host|Match|Include)[\s=]/i.test(line) && !/^\s*host\S*:/i.test(line)))
    return 'ssh-config'
  if (/^\.(ya?ml|json)$/.test(extension) || /^\s*(---|\{)/.test(lines[0] ?? '')) return 'ansible-yaml'
  return /^\s*[A-Za-z_][\w-]*:\s*(#.*)?$/.test(lines[0] ?? '') ? 'ansible-yaml' : 'ansible-ini'
}

/**
 * The first line on which a host, or a variable with its value, stands; of a variable, that of the host before others.
 */
function placesIn(text: string, file: string): PlaceOf {
  const lines = new Map<string, number[]>()
  for (const [at, line] of text.split('\n').entries()) {
    if (/^\s*[#;]/.test(line)) continue
    const words = [...line.matchAll(/[\w.:-]+[\w-]|\w/g)].flatMap(([word]) => [word, word.replace(/:\d+$/, '')])
    for (const word of new Set(words)) lines.set(word, [...(lines.get(word) ?? []), at + 1])
  }
  return (word, host) => {
    const all = lines.get(word) ?? []
    const own = host === undefined ? [] : (lines.get(host) ?? []).slice(0, 20)
    const line = own.find((each) => all.includes(each)) ?? all[0]
    return line === undefined ? undefined : `${file}:${line}`
  }
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
