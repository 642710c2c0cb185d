import type { Tree } from './ansible-tree.ts'
import { membersByGroup, variablesByHost } from './ansible-variables.ts'
import type { Found, FoundGroup, FoundHost } from './found.ts'
import { type Leftovers, leftovers } from './leftovers.ts'
import { proxyIn } from './proxy.ts'

/** Ansible's variables for a login, the one that takes precedence first. */
const LOGIN = {
  address: ['ansible_host', 'ansible_ssh_host'],
  port: ['ansible_port', 'ansible_ssh_port'],
  user: ['ansible_user', 'ansible_ssh_user'],
  identityFile: ['ansible_ssh_private_key_file', 'ansible_private_key_file'],
} as const

/** In the order in which they stand before ssh, where the first counts. */
const ARGUMENTS = ['ansible_ssh_args', 'ansible_ssh_common_args', 'ansible_ssh_extra_args']
/** Have no influence on what provision does. */
const SILENT = ['ansible_become', 'ansible_connection', 'ansible_ssh_pipelining', 'ansible_ssh_retries']
const KNOWN = new Set<string>([...SILENT, ...ARGUMENTS, ...Object.values(LOGIN).flat()])

/** Where a word is written, as `FILE:LINE`; `host`: there, if it is written there. */
export type PlaceOf = (word: string, host?: string) => string | undefined

/** The hosts and groups of an inventory of Ansible's; variables count as there. `placeOf`: where a word is written. */
export function foundIn(tree: Tree, placeOf: PlaceOf = () => undefined): Found {
  const left = leftovers(placeOf)
  const hosts = [...variablesByHost(tree)].flatMap(([name, vars]) => hostOf(name, vars, { left, placeOf }) ?? [])
  const members = membersByGroup(tree)
  const groups = [...tree.groups.keys()]
    .filter((name) => name !== 'all' && name !== 'ungrouped')
    .map((name): FoundGroup => ({ name, members: [...(members.get(name) ?? [])] }))
  return { hosts, groups: groups.filter((group) => group.members.length > 0), left: left.sentences() }
}

interface Reading {
  readonly left: Leftovers
  readonly placeOf: PlaceOf
}

function hostOf(name: string, vars: ReadonlyMap<string, unknown>, reading: Reading): FoundHost | undefined {
  const { left, placeOf } = reading
  const tell = (what: string, key: string) => left.add(what, name, placeOf(key, name))
  const connection = String(vars.get('ansible_connection') ?? 'ssh')
  if (!/^(smart|ssh|(ansible\.(netcommon|builtin)\.)?(libssh|ssh|paramiko_ssh)|paramiko(_ssh)?)$/.test(connection)) {
    left.add(`its connection is ${connection}, not ssh, so it is left out`, name)
    return undefined
  }
  const one = (keys: readonly string[]) => plainOf(keys, { name, vars, tell })
  const port = one(LOGIN.port)
  const isPort = port !== undefined && /^\d{1,5}$/.test(port)
  if (port !== undefined && !isPort) tell('ansible_port is not a number', 'ansible_port')
  const proxies = ARGUMENTS.flatMap((key) => {
    const value = one([key])
    return value === undefined ? [] : [{ ...proxyIn(value), key }]
  })
  for (const { key, others, besides = [] } of proxies) {
    for (const word of others) tell(`the argument ${word} for ssh`, key)
    for (const option of besides) tell(`the option ${option} of its ProxyCommand`, key)
  }
  for (const key of vars.keys()) {
    if (KNOWN.has(key)) continue
    const secret = /pass(word)?$/.test(key) && key.startsWith('ansible_')
    tell(secret ? `${key}: provision logs in with keys` : `the variable ${key}`, key)
  }
  const through = proxies.find(({ jumps }) => jumps.length > 0)
  const address = through?.to?.address ?? one(LOGIN.address)
  const user = one(LOGIN.user)
  const identityFile = one(LOGIN.identityFile)
  const to = through?.to?.port ?? (isPort ? Number(port) : undefined)
  const place = placeOf(name)
  return {
    name,
    ...(place !== undefined && { place }),
    ...(address !== undefined && address !== name && { address }),
    ...(to !== undefined && { port: to }),
    ...(user !== undefined && { user }),
    ...(identityFile !== undefined && { identityFile }),
    jumps: through?.jumps ?? [],
  }
}

interface Values {
  readonly name: string
  readonly vars: ReadonlyMap<string, unknown>
  readonly tell: (what: string, key: string) => void
}

/** The first of these variables, where it is a plain value; the host's own name may stand in it. */
function plainOf(keys: readonly string[], { name, vars, tell }: Values): string | undefined {
  const key = keys.find((each) => vars.has(each))
  const value = key === undefined ? undefined : vars.get(key)
  if (key === undefined || value === undefined || value === null || value === '') return undefined
  const text = String(value).replaceAll(/\{\{\s*inventory_hostname\s*\}\}/g, name)
  const isText = typeof value === 'number' || typeof value === 'string'
  if (isText && !/\{[{%]|^\$ANSIBLE_VAULT/.test(text)) return text
  const encrypted = isText && text.startsWith('$ANSIBLE_VAULT')
  tell(encrypted ? `${key} is encrypted` : `${key} is not a plain value`, key)
  return undefined
}
