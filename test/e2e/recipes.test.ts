import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { build } from '../dist.ts'
import { readPage } from './docs/page.ts'
import { walk } from './docs/walk.ts'
import { place, type Rehearsal, rehearse } from './kit.ts'
import { mustRun } from './must-run.ts'

/** All machines that docs/recipes.md ever speaks of. */
const [gateway, device, client] = ['ssh-gw.guest.internal', 'host-a.lan.internal', 'host001.guest.internal']
const everybody = {
  login: { user: 'user001' },
  gateways: { [gateway]: {}, 'new-gw.guest.internal': {} },
  devices: { [device]: {}, 'host-b.lan.internal': {} },
  clients: { [client]: { user: 'bob' } },
}

const webPage = `
cat >/etc/systemd/system/page.socket <<END
[Socket]
ListenStream=127.0.0.1:80
Accept=yes
END
cat >/etc/systemd/system/page@.service <<'END'
[Service]
ExecStart=sh -c 'read -r request; printf "HTTP/1.0 200 OK\\r\\n\\r\\nhello from %%s\\n" "$(hostname)"'
StandardInput=socket
END
systemctl start page.socket
`

let it: Rehearsal
beforeAll(async () => {
  await build()
  it = await rehearse(everybody)
  await mustRun(it.lab.machine(device), webPage)
  await bobHasAKey()
})
afterAll(() => it?.down())

async function bobHasAKey(): Promise<void> {
  const key = join(it.folder, 'bob')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'bob@laptop', '-f', key])
  for (const end of ['', '.pub']) {
    const text = await readFile(`${key}${end}`, 'utf8')
    await place(it.lab.machine(client), { path: `/home/bob/.ssh/id_ed25519${end}`, text, owner: 'bob' })
  }
  await writeFile(key, '')
}

test('docs/recipes.md, from top to bottom', async () => {
  expect((await walk(it, await readPage('recipes.md'))).join('\n\n')).toBe('')
}, 900_000)
