// What a playbook may import, as declarations alone: for the editor and the compiler of whoever writes a playbook.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Writes index.d.ts, and the declarations that it leads to, into this folder. */
export async function writeTypes(folder) {
  const temp = await mkdtemp(join(tmpdir(), 'provision-types-'))
  const project = join(temp, 'tsconfig.json')
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: join(root, 'src'),
    outDir: folder,
    typeRoots: [join(root, 'node_modules/@types')],
  }
  const files = ['index.ts', 'text.d.ts'].map((name) => join(root, 'src', name))
  try {
    await writeFile(
      project,
      JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [], files }),
    )
    await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', project])
  } finally {
    await rm(temp, { recursive: true })
  }
}
