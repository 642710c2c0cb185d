import type { Argv, CommandModule, Options, PositionalOptions } from 'yargs'
import type { AnyCommand } from '../index.ts'

/**
 * What a command says of itself to yargs, as a value: help, completion, the manual page and the meaning of words are
 * made from it.
 */
export interface Shape {
  /** As it is typed: `lab up`. */
  readonly path: string
  /** The part before the first `: ` or `; ` is its line in the list of commands. */
  readonly describe: string
  readonly positionals: readonly Positional[]
  readonly options: readonly OptionShape[]
  readonly commands: readonly Shape[]
  readonly examples: readonly (readonly [line: string, what: string])[]
  /** Where to read on. */
  readonly page?: string
}

export interface Positional {
  readonly name: string
  readonly required: boolean
  readonly many: boolean
  readonly choices: readonly string[]
  readonly describe: string
}

export interface OptionShape {
  readonly name: string
  /** Other names of it, of one letter or more. */
  readonly aliases: readonly string[]
  /** A flag takes no value. One that is on by itself is only ever switched off: `--no-NAME`. */
  readonly takes: 'nothing' | 'one' | 'many'
  /** Do all count that are given, and not the last one alone? */
  readonly repeatable: boolean
  readonly choices: readonly string[]
  readonly describe: string
  readonly on: boolean
  /** What is true without it, for people. */
  readonly otherwise?: string
  readonly required: boolean
  readonly group?: string
}

export function shapeOf(command: AnyCommand, before = ''): Shape {
  const [words = '', ...given] = [command.command ?? '']
    .flat()
    .join('')
    .split(/\s+(?=[<[])/)
  const path = `${before} ${words}`.trim()
  const told = { positionals: new Map<string, PositionalOptions>(), options: [] as OptionShape[] }
  const commands: Shape[] = []
  const examples: [string, string][] = []
  let page: string | undefined
  const nothing = () => argv
  // What yargs is told by our commands; a call of anything else fails when the program is built.
  const argv = {
    positional(name: string, spec: PositionalOptions) {
      told.positionals.set(name, spec)
      return argv
    },
    option(name: string, spec: Options) {
      told.options.push(optionOf(name, spec))
      return argv
    },
    command(first: string | CommandModule, describe = '', builder?: (argv: Argv) => unknown) {
      const inner = typeof first === 'string' ? { command: first, describe, builder } : first
      commands.push(shapeOf(inner as AnyCommand, path))
      return argv
    },
    example(line: string, what: string) {
      examples.push([line, what])
      return argv
    },
    epilogue(text: string) {
      page = text
      return argv
    },
    conflicts: nothing,
    implies: nothing,
    demandCommand: nothing,
    parserConfiguration: nothing,
  }
  if (typeof command.builder === 'function') (command.builder as unknown as (argv: unknown) => unknown)(argv)
  return {
    path,
    describe: String(command.describe ?? ''),
    positionals: given.map((word) => positionalOf(word, told.positionals)),
    options: told.options,
    commands,
    examples,
    ...(page !== undefined && { page }),
  }
}

function positionalOf(word: string, told: ReadonlyMap<string, PositionalOptions>): Positional {
  const name = word.replace(/^[<[]|(\.\.)?[\]>]$/g, '')
  return {
    name,
    required: word.startsWith('<'),
    many: word.includes('..'),
    choices: (told.get(name)?.choices ?? []).map(String),
    describe: told.get(name)?.describe ?? '',
  }
}

function optionOf(name: string, spec: Options): OptionShape {
  const on = spec.default === true
  const otherwise = spec.defaultDescription ?? (on ? undefined : (spec.default || undefined)?.toString())
  return {
    name,
    aliases: [spec.alias ?? []].flat(),
    takes: spec.type === 'boolean' ? 'nothing' : spec.array && spec.nargs === undefined ? 'many' : 'one',
    repeatable: spec.array === true,
    choices: (spec.choices ?? []).map(String),
    describe: spec.describe ?? '',
    required: spec.demandOption === true,
    on,
    ...(otherwise && { otherwise }),
    ...(spec.group && { group: spec.group }),
  }
}

/** The command below this one that these words name, as far as they go. */
export function innermost(shape: Shape, words: readonly string[]): Shape {
  const inner = shape.commands.find(({ path }) => path === `${shape.path} ${words[0]}`)
  return inner ? innermost(inner, words.slice(1)) : shape
}
