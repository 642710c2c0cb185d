import type { CommandModule } from 'yargs'
import type { Answers } from '../inventory/edit/new-inventory.ts'

type Arguments = Partial<Answers> & { inventory: string }

export const initCommand: CommandModule<unknown, Arguments> = {
  command: 'init [inventory]',
  describe: 'Write a first inventory: ask a few questions, or take the answers from options',
  builder: (argv) =>
    argv
      .positional('inventory', {
        type: 'string',
        default: 'inventory.json',
        describe: 'The file to write; an existing file is left alone',
      })
      .option('gateway', {
        type: 'string',
        requiresArg: true,
        describe: 'The gateway, a machine that everybody can reach: [USER@]NAME[:PORT]',
      })
      .option('dial', { type: 'string', requiresArg: true, describe: 'ADDRESS[:PORT] at which devices reach it' })
      .option('device', {
        type: 'string',
        requiresArg: true,
        describe: 'The first device, a machine that cannot be reached directly: [USER@]NAME[:PORT]',
      })
      .option('ports', { type: 'string', requiresArg: true, describe: 'Ports of the gateway that lead to devices' })
      .option('user', {
        type: 'string',
        requiresArg: true,
        describe: 'The user to log in as, where it is not said',
      })
      .example('provision init', 'asks, and writes inventory.json')
      .example('provision init --gateway root@vps.example.org --device pi1', 'asks only what is not given')
      .epilogue('docs/fleets.md') as never,
  async handler({ inventory: file, ...given }) {
    const [
      { answersTo, firstInventory },
      { parseInventory, surroundingsOf },
      { askYes, canAnswer, interview },
      { createInventory },
      { isDefaultInventory },
      { identified },
      { tellNext },
    ] = await Promise.all([
      import('../inventory/edit/new-inventory.ts'),
      import('../inventory/read/inventory.ts'),
      import('./shared/ask.ts'),
      import('./shared/create-inventory.ts'),
      import('./line/default-inventory.ts'),
      import('./shared/identify.ts'),
      import('./shared/outputs.ts'),
    ])
    await mustNotBeThere(file)
    const talk = canAnswer() ? interview() : undefined
    const text = identified(firstInventory(await answersTo(given, talk?.ask).finally(() => talk?.close())))
    parseInventory(text, surroundingsOf(file))
    for (const line of await createInventory(file, text)) process.stdout.write(`${line}\n`)
    const isAsked = talk !== undefined && (given.gateway === undefined || given.device === undefined)
    const named = isDefaultInventory(file, process.env) ? [] : [file]
    const next = [
      ['trust', ...named],
      ['plan', ...named],
    ] as const
    if (isAsked && (await askYes('Pin the host keys, and look what would be changed? (yes/no) '))) await goOn(next)
    else tellNext(next.map((words) => `provision ${words.join(' ')}`).join(', then '))
  },
}

/** The look only where everything that it is to look at was pinned. */
async function goOn([trust, look]: readonly [readonly string[], readonly string[]]): Promise<void> {
  const { asTyped } = await import('./shared/as-typed.ts')
  process.exitCode = (await asTyped(trust)) || (await asTyped(look))
}

/** @throws InventoryError before anything is asked */
async function mustNotBeThere(file: string): Promise<void> {
  const [{ isThere }, { InventoryError }] = await Promise.all([import('../files/atomic.ts'), import('../errors.ts')])
  if (await isThere(file))
    throw new InventoryError(`${file} already exists`, `add to it with \`provision add ${file} NAME\``)
}
