import type { Gateway, Inventory, Resource } from '../../src/index.ts'
import {
  lines,
  managedFile,
  marked,
  noSystemAccount,
  parseKeyLine,
  sh,
  sshdSettings,
  systemdUnits,
} from '../../src/index.ts'
import { dials, forwardsOn } from '../../src/tunnel/accounts.ts'
import gatewayText from '../../src/tunnel/gateway.sh'
import { markFor } from '../../src/tunnel/marks.ts'
import { lookAccount, lookFolder, lookJail } from '../../src/tunnel/names.ts'
import newsText from '../../src/tunnel/news.sh'
import { systemAccount } from '../accounts.ts'
import { reloading } from './host-key-rotation.ts'
import lookText from './look.sh'
import { lookUnit, lookUnits } from './look-units.ts'
import { lookSettings } from './sshd-settings.ts'

/**
 * What a watcher needs of a gateway: an account that opens no session, asks at one socket, and connects to the forwards
 * that it proves. Where the inventory names no watcher's key, none of that is there.
 */
export function lookAccess(gateway: Gateway, inventory: Inventory): Resource[] {
  const { id, devices, watch } = inventory
  const keys = watch?.keys ?? []
  // Without an identity nothing of this was ever made, and its parts would have no name.
  if (id === undefined) return []
  const forwards = devices.flatMap((device) => forwardsOn(gateway, device))
  if (keys.length === 0 || !devices.some((device) => dials(device, gateway))) return [noLookAccess(id)]
  const mark = markFor(inventory)
  const folder = lookFolder(id)
  return [
    systemAccount(inventory, lookAccount(id)),
    managedFile(`${folder}/program`, { content: lookProgram, mode: '755' }),
    managedFile(`${folder}/keys`, {
      content: marked(mark, keys.map((key) => `${lineOf(key)}\n`).join('')),
    }),
    systemdUnits(lookUnit(id), lookUnits(gateway, id, mark)),
    reloading(gateway, devices, sshdSettings(dropInOf(id), { ...lookSettings(id, forwards), mark })),
  ]
}

/**
 * No session, no port of its own, no agent; where it may connect to says sshd, for all keys alike. A mark at its end
 * would make it a key of people's.
 */
function lineOf(text: string): string {
  const key = parseKeyLine(text)
  return `restrict,port-forwarding ${key?.type} ${key?.blob} ${key?.comment}`.trim()
}

const lookProgram = [
  lookText.trimEnd(),
  'set -- "$since" "$seconds" "$shared"',
  newsText.trimEnd(),
  // Its words hold no space.
  'set -- $endpoints',
  gatewayText.trimEnd(),
  'echo end',
  '',
].join('\n')

const dropInOf = (id: string) => `00-provision-look-${id}`

/** One look for all of it: who never had a watcher pays for no more. sshd need not be reloaded: the account is gone. */
function noLookAccess(id: string): Resource {
  const account = noSystemAccount(lookAccount(id))
  const units = ['.socket', '@.service'].map((end) => `/etc/systemd/system/${lookUnit(id)}${end}`)
  const wants = `/etc/systemd/system/sockets.target.wants/${lookUnit(id)}.socket`
  const paths = [lookFolder(id), `/etc/ssh/sshd_config.d/${dropInOf(id)}.conf`, ...units, wants]
  return {
    id: 'no watcher',
    inspect: sh`
      if [ -e ${lookFolder(id)} ] || getent passwd ${lookAccount(id)} >/dev/null; then
        echo there
        ${account.inspect}
      fi
    `,
    diff(now, seen) {
      if (!now.startsWith('there\n')) return 'converged'
      const without = account.diff(now.slice('there\n'.length), seen)
      const removal = typeof without === 'string' || 'refused' in without ? undefined : without
      return {
        summary: 'no watcher has a key any more: remove what lets them look',
        effect: 'remove',
        saves: paths,
        commit: lines(sh`rm -rf ${paths}`, removal?.commit),
        activate: sh`
          systemctl stop ${lookUnit(id)}.socket ${`${lookUnit(id)}@*.service`} 2>/dev/null || :
          pkill -KILL -u ${lookAccount(id)} sshd || :
          rm -rf ${lookJail(id)}
          systemctl daemon-reload
        `,
        undo: lines(
          removal?.undo,
          sh`
            systemctl daemon-reload
            systemctl start --no-block ${lookUnit(id)}.socket
          `,
        ),
      }
    },
  }
}
