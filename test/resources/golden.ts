import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Change, Resource, Seen } from '../../src/resources/resource.ts'
import type { Sh } from '../../src/shell/sh.ts'
import { here } from './sshd.ts'

/** What a host showed to a resource, and what else is known in the run. */
export interface Case {
  readonly resource: Resource
  readonly now: string
  readonly seen?: Seen
}

export const nothing: Seen = { of: () => undefined, here, gone: () => false, failed: () => false }
/** Nobody has shown anything, and this host never will. */
export const gone = (name: string): Seen => ({
  of: () => undefined,
  here,
  gone: (host) => host === name,
  failed: () => false,
})
/** These hosts have shown these things: `host id` → text. */
export const shown = (texts: Readonly<Record<string, string>>): Seen => ({
  of: (host, id) => texts[`${host} ${id}`],
  here,
  gone: () => false,
  failed: () => false,
})

export const golden = (kind: string, name: string) => join(import.meta.dirname, '../golden', kind, `${name}.golden`)

/** One kind of resource by its cases: what was seen → the whole verdict, in `test/golden/KIND/CASE.golden`. */
export function cases(kind: string, table: Readonly<Record<string, Case>>): void {
  describe(kind, () => {
    test.each(Object.keys(table))('%s', async (name) => {
      const one = table[name] as Case
      await expect(page(one)).toMatchFileSnapshot(golden(kind, name))
    })

    test('every golden file belongs to a case', () => {
      const files = readdirSync(join(golden(kind, 'x'), '..')).sort()
      expect(files).toEqual(
        Object.keys(table)
          .map((name) => `${name}.golden`)
          .sort(),
      )
    })

    test('the same state gives the same verdict', () => {
      for (const one of Object.values(table)) expect(page(one)).toBe(page(one))
    })

    test('every piece of shell is POSIX, for dash and for shellcheck', () => {
      expect(complaints(Object.values(table).flatMap((one) => pieces(one)))).toBe('')
    })
  })
}

const phases = ['stage', 'validate', 'commit', 'activate', 'undo', 'undoable'] as const

function page({ resource, now, seen = nothing }: Case): string {
  const verdict = resource.diff(now, seen)
  const parts = [`# ${resource.id}`, part('seen', now)]
  if (typeof verdict === 'string') parts.push(part('verdict', verdict))
  else if ('refused' in verdict) parts.push(part('refused', verdict.refused), part('hint', verdict.hint ?? ''))
  else parts.push(...changeParts(verdict))
  return `${parts.filter(Boolean).join('\n')}\n`
}

function changeParts(change: Change): string[] {
  return [
    part('summary', change.summary),
    change.text ? part(`now in ${change.text.name}`, change.text.now) : '',
    change.text ? part(`wanted in ${change.text.name}`, change.text.wanted) : '',
    part('saves', change.saves.join('\n')),
    ...phases.map((phase) => part(phase, change[phase]?.text ?? '')),
    part(
      'interrupts',
      change.interrupts ? `${change.interrupts.units.join(', ')}: ${change.interrupts.seconds} s` : '',
    ),
  ]
}

function part(title: string, text: string): string {
  if (text === '') return ''
  const rows = text.replace(/\n$/, '').split('\n')
  const cut = text.endsWith('\n') || !/^(now|wanted) in/.test(title) ? [] : ['(no line end)']
  return [`\n${title}:`, ...[...rows.map((row) => `  ${row}`.trimEnd()), ...cut.map((word) => `  ${word}`)]].join('\n')
}

function pieces({ resource, now, seen = nothing }: Case): Sh[] {
  const verdict = resource.diff(now, seen)
  const change =
    typeof verdict === 'object' && 'summary' in verdict ? phases.flatMap((phase) => verdict[phase] ?? []) : []
  return [resource.inspect, ...change]
}

/** What dash and shellcheck have against these pieces, run as guard.sh runs them. */
export function complaints(shell: readonly Sh[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'provision-golden-'))
  try {
    const files = [...new Set(shell.map(({ text }) => text))].map((text, index) => {
      const file = join(folder, `${index}.sh`)
      // What guard.sh gives a piece: its folder, and two words.
      writeFileSync(file, `stage=/stage\nput() { :; }\nfolder() { :; }\n${text}\n: "$stage"\n`)
      return file
    })
    const dash = files.map((file) => spawnSync('dash', ['-n', file]).stderr.toString())
    // SC2317, SC2329: the two words are not called in every piece. SC2015: `a && b || c` where b cannot fail.
    // SC2154: set by the guard. SC2016: a dollar in single quotes is what quote is for.
    // SC2140: a word put in between two double quoted pieces, as in "s#"user#".
    const check = spawnSync('shellcheck', ['-s', 'sh', '-e', 'SC2317,SC2329,SC2015,SC2154,SC2016,SC2140', ...files])
    return dash.join('') + check.stdout.toString()
  } finally {
    rmSync(folder, { recursive: true })
  }
}
