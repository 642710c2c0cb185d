import { groups } from '../index.ts'
import { examples, intro, optionAsTyped, optionText, ownOptions, rules, synopsis } from './help.ts'
import { argumentsOf } from './places.ts'
import type { OptionShape, Shape } from './shape.ts'
import { wordAsTyped } from './values.ts'

// man(7): a line that begins with a dot is a request, a backslash an escape.

const files: readonly (readonly [string, string])[] = [
  ['inventory.json', 'The inventory of a command that names none.'],
  ['known_hosts', 'Beside the inventory: the pinned host keys.'],
  ['~/.local/state/provision/proofs.json', 'When each device was last proved. Nothing depends on it.'],
  ['/var/lib/provision', 'On each host: the changes under way, and the last ones, so that they can be undone.'],
]

const environment: readonly (readonly [string, string])[] = [
  ['PROVISION_INVENTORY', 'The inventory of a command that names none, where there is no inventory.json.'],
  ['PROVISION_SUDO_PASSWORD', 'The password of sudo on the hosts.'],
  ['PROVISION_SPARE_PASSPHRASE', 'The passphrase of a spare host key.'],
  ['PROVISION_KNOWN_HOSTS', "Another file of pins, read beside the inventory's own."],
  ['SSH_AUTH_SOCK', 'The ssh agent.'],
  ['NO_COLOR, FORCE_COLOR, CI', 'No colour; colour; no progress that moves.'],
]

const codes: readonly (readonly [string, string])[] = [
  ['0', 'As asked.'],
  ['1', 'A host was rejected or rolled back, or a forward does not reach its device.'],
  ['2', 'The command line or the inventory is wrong: nothing was contacted.'],
  ['3', 'A host was unreachable, its end is unknown, or a rollback could not be proved.'],
  ['4', 'Nothing failed, but the hosts differ from the inventory (plan, verify).'],
  ['130', 'Interrupted.'],
]

/** provision(1), of all commands. An option with a group is explained once, behind them. */
export function manualPage(shapes: readonly Shape[], version: string): string {
  const ofGroup = groups.flatMap(([title, some]) => [
    `.SS ${text(title)}`,
    ...some.flatMap(({ name }) => commandLines(shapes.filter(({ path }) => path === name))),
  ])
  const lines = [
    `.TH PROVISION 1 "" "provision ${version}" "User Commands"`,
    ...['.SH NAME', `provision \\- ${text(intro.what)}`],
    ...['.SH SYNOPSIS', '.B provision', text('COMMAND [INVENTORY] [OPTION…]')],
    ...['.SH DESCRIPTION', text(intro.sentence), ...rules.flatMap((rule) => ['.PP', text(rule)])],
    ...['.SH COMMANDS', ...ofGroup],
    ...['.SH OPTIONS', 'These mean the same wherever a command has them.', ...sharedOptions(shapes)],
    ...['.SH EXAMPLES', ...listed(examples)],
    ...['.SH EXIT STATUS', ...listed(codes)],
    ...['.SH ENVIRONMENT', ...listed(environment)],
    ...['.SH FILES', ...listed(files)],
    ...['.SH SEE ALSO', '.BR ssh (1),', '.BR sshd (8),', '.BR ssh_config (5)'],
  ]
  return `${lines.join('\n')}\n`
}

function commandLines(shapes: readonly Shape[]): string[] {
  return shapes.flatMap((shape) => {
    const shared = shape.options.filter(({ group }) => group !== undefined).map(({ name }) => `--${name}`)
    const words = argumentsOf(shape).filter(({ name }) => name !== 'inventory')
    const inner = [
      ...listed(words.map((word) => [wordAsTyped(word), word.describe])),
      ...listed(ownOptions(shape).map((option) => [optionAsTyped(option), optionText(option)])),
      ...(shared.length > 0 ? ['.PP', text(`Also: ${shared.join(', ')}.`)] : []),
    ]
    const lines = ['.TP', `.B ${text(synopsis(shape))}`, text(`${shape.describe}.`)]
    return [...lines, ...(inner.length > 0 ? ['.RS', ...inner, '.RE'] : []), ...commandLines(shape.commands)]
  })
}

function sharedOptions(shapes: readonly Shape[]): string[] {
  const byName = new Map<string, OptionShape>()
  for (const { options } of shapes)
    for (const option of options) if (option.group && !byName.has(option.name)) byName.set(option.name, option)
  const all = [...byName.values()]
  return [...new Set(all.map(({ group = '' }) => group))].flatMap((title) => [
    `.SS ${text(title)}`,
    ...listed(all.filter(({ group }) => group === title).map((each) => [optionAsTyped(each), optionText(each)])),
  ])
}

const listed = (pairs: readonly (readonly [string, string])[]): string[] =>
  pairs.flatMap(([what, sentence]) => ['.TP', `.B ${text(what)}`, text(sentence)])

function text(plain: string): string {
  const escaped = plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '\\&...')
    .replace(/^['.]/, '\\&$&')
  return escaped.replaceAll('`', '"')
}
