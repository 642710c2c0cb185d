import { readFile } from 'node:fs/promises'
import { InventoryError } from '../../errors.ts'
import type { Account, Device } from '../../inventory/model.ts'
import type { Mark } from '../../resources/mark.ts'
import { publicHalfOf } from '../../ssh/host-keys/new-key.ts'
import type { UserConfig } from '../../ssh/user-config/user-config.ts'
import { keyLine, keysOf } from '../../tunnel/key-lines.ts'
import type { SeedAccount } from './seed.ts'

/**
 * Who may log in to a fresh system: the inventory's accounts of the device, and the one that we log in as, which needs
 * sudo. Given the mark, which a run may make only later, the keys that the inventory names end with it. All files are
 * read now.
 * @throws InventoryError where nobody could log in as that one
 */
export async function peopleOf(
  { name, login, accounts }: Device,
  config: UserConfig,
): Promise<(mark: Mark) => SeedAccount[]> {
  const user = login.user ?? config.user
  const own = await ownKeys(login.identityFile === undefined ? config.identityFiles : [login.identityFile])
  const named = accounts.find(({ name }) => name === user)
  // Its keys in the inventory are all that it has, where there are any.
  const hasKeys = named !== undefined && keysOf(named).length > 0
  if (!hasKeys && own.length === 0) {
    throw new InventoryError(
      `${name}: there is no public key with which ${user} could log in to the fresh system`,
      `write one under "accounts" of ${name}, or name a key file under "login": "identityFile"`,
    )
  }
  return (mark) => {
    const marked = (account: Account) => keysOf(account).map((key) => keyLine(key, mark))
    const others = accounts.filter((account) => account !== named)
    return [
      { name: user, authorizedKeys: hasKeys ? marked(named) : own, sudo: user !== 'root' && login.sudo },
      ...others.map((account) => ({ name: account.name, authorizedKeys: marked(account), sudo: false })),
    ]
  }
}

/** Of key files, the public halves: of the file beside, or of the key itself. */
async function ownKeys(files: readonly string[]): Promise<string[]> {
  const keys = await Promise.all(
    files.map(async (file) => {
      const beside = await readFile(file.endsWith('.pub') ? file : `${file}.pub`, 'utf8').catch(() => '')
      const found = /^\s*((?:ssh|ecdsa|sk)-\S+ AAAA\S+.*)$/m.exec(beside)?.[1]
      return found?.trim() ?? publicHalfOf(await readFile(file, 'utf8').catch(() => ''))
    }),
  )
  return [...new Set(keys.filter((key) => key !== undefined))]
}
