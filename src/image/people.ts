import { readFile } from 'node:fs/promises'
import { keyLine, keysOf, type markOf } from '../../playbooks/accounts.ts'
import { InventoryError } from '../errors.ts'
import type { Device } from '../inventory/model.ts'
import { publicHalfOf } from '../session/new-key.ts'
import type { UserConfig } from '../session/ssh-config.ts'
import type { SeedAccount } from './seed.ts'

/**
 * Who may log in to a fresh system: the inventory's accounts of the device, and the one that we log in as, which needs sudo.
 * `mark`: at the end of the keys that the inventory names.
 * @throws InventoryError where nobody could log in as that one
 */
export async function peopleOf(
  { name, login, accounts }: Device,
  config: UserConfig,
  mark?: ReturnType<typeof markOf>,
): Promise<SeedAccount[]> {
  const user = login.user ?? config.user
  const own = await ownKeys(login.identityFile === undefined ? config.identityFiles : [login.identityFile])
  const people = accounts.map((account) => ({
    name: account.name,
    authorizedKeys: keysOf(account).map((key) => keyLine(key, mark)),
    sudo: false,
  }))
  const admin = people.find((account) => account.name === user)
  // Its keys in the inventory are all that it has, where there are any.
  const keys = admin?.authorizedKeys.length ? admin.authorizedKeys : own
  if (keys.length === 0) {
    throw new InventoryError(
      `${name}: there is no public key with which ${user} could log in to the fresh system`,
      `write it under "accounts" of ${name}, or name a key file under "login": "identityFile"`,
    )
  }
  const others = people.filter((account) => account !== admin)
  return [{ name: user, authorizedKeys: keys, sudo: user !== 'root' && login.sudo }, ...others]
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
