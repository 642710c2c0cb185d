import { join } from 'node:path'
import { build } from 'esbuild'
import type { Seed } from '../../../src/image/seed.ts'
import type { Machine } from '../../../src/lab/index.ts'
import { until } from '../../../src/lab/local.ts'
import { place, type Rehearsal } from '../kit.ts'

/** As outside a lab: the pins are those beside the inventory. */
export const env = { PROVISION_KNOWN_HOSTS: '' }

/** Asks for the seed of a device, as `provision image` does, in the lab's LAN. */
export function seedMaker({ folder, lab, file }: Rehearsal) {
  const program = join(folder, 'make-seed.mjs')
  const made = build({
    entryPoints: [join(import.meta.dirname, 'make-seed.ts')],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    external: ['jiti', 'cpu-features'],
    loader: { '.sh': 'text', '.node': 'empty' },
    define: { __VERSION__: '"test"', __dirname: '__bundleFolder', __filename: '__bundleFile' },
    banner: {
      js: [
        "import { createRequire as __createRequire } from 'node:module'",
        "import { fileURLToPath as __fileURLToPath } from 'node:url'",
        'const require = __createRequire(import.meta.url)',
        'const __bundleFile = __fileURLToPath(import.meta.url)',
        "const __bundleFolder = __fileURLToPath(new URL('.', import.meta.url))",
      ].join('\n'),
    },
    logLevel: 'warning',
  })
  return async (device: string, { hours = 24, keep = [] as readonly string[] } = {}) => {
    await made
    const ran = await lab.run([process.execPath, program, file, device, String(hours), ...keep], {
      env: { CI: 'true', ...env },
      timeoutMs: 120_000,
    })
    const text = /^@seed (\{.*\})$/m.exec(ran.stdout)?.[1]
    return { ...ran, seed: text ? (JSON.parse(text) as Seed) : undefined }
  }
}

/** What the glue of an image's format does: the files, and a unit that runs the program at every boot until it ends with 0. */
export async function insert(machine: Machine, { files, program }: Seed): Promise<void> {
  for (const { path, mode, content } of [...files, { ...program, mode: '755' }]) {
    await machine.sh(`mkdir -p '${path.replace(/\/[^/]*$/, '')}'`)
    await place(machine, { path, text: content })
    await machine.sh(`chmod ${mode} '${path}'`)
  }
  const unit = `[Unit]
ConditionPathExists=${program.path}
[Service]
ExecStart=/bin/sh ${program.path}
[Install]
WantedBy=multi-user.target
`
  await place(machine, { path: '/etc/systemd/system/first-boot.service', text: unit })
  await machine.sh('systemctl daemon-reload && systemctl enable first-boot.service')
}

export const begin = (machine: Machine) => machine.sh('systemctl start first-boot.service')

export async function enrolled(machine: Machine, timeoutMs = 40_000): Promise<void> {
  const gone = async () => ((await machine.sh('test -e /etc/reverse-tunnel/first-boot')).code === 0 ? undefined : true)
  if (await until(gone, { timeoutMs })) return
  throw new Error((await machine.sh('journalctl --no-pager -u first-boot.service')).stdout)
}
