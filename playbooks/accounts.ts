import { account, authorizedKeys, on, playbook } from '../src/index.ts'

/** The accounts that the inventory asks for, and the keys that let people into them. */
export default playbook(({ gateways, devices }) => [
  on([...gateways, ...devices], (host) =>
    host.accounts.flatMap(({ name, authorizedKeys: keys, exclusive }) => [
      account(name),
      authorizedKeys(name, { keys: keys.map(withOptions), exclusive }),
    ]),
  ),
])

/** `from="…" ssh-ed25519 AAAA… comment`, as it stands in a .pub file, taken apart. */
function withOptions(line: string) {
  const at = line.search(/(^|\s)(ssh|ecdsa|sk)-[\w@.-]+ AAAA/)
  const options = line.slice(0, Math.max(at, 0)).trim()
  const [type, blob, ...comment] = line.slice(Math.max(at, 0)).trim().split(/\s+/)
  return { key: `${type} ${blob}`, comment: comment.join(' '), ...(options && { options }) }
}
