import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isThere } from '../../src/files/atomic.ts'
import type { Machine } from '../../src/lab/index.ts'
import { until } from '../../src/lab/local.ts'

/**
 * Places between two commands of a transaction at which its host can be stopped: programs that the guard calls stand in
 * front of the real ones, and wait right before or after the first call that fits.
 */
export const stops = {
  'before anything is staged': { when: 'before', call: 'mkdir -p */current/stage/*', end: 'old' },
  'before the check of what is staged': { when: 'before', call: 'systemd-analyze verify *', end: 'old' },
  'before anything is saved': { when: 'before', call: 'mkdir saved', end: 'old' },
  'while it is saved': { when: 'after', call: 'cp -a /etc/* saved/*', end: 'old' },
  'before it is armed': { when: 'before', call: 'chmod 0644 */provision-recover.service', end: 'old' },
  'half armed': { when: 'before', call: 'sync -f */provision-recover.service .', end: 'old' },
  'after it is armed': { when: 'before', call: 'sync -f .', end: 'old' },
  'in a commit': { when: 'before', call: 'mv -fT *.provision-new *', end: 'old' },
  'before it is activated': { when: 'before', call: 'systemctl daemon-reload', end: 'old' },
  'while it is activated': { when: 'before', call: 'systemctl restart *', end: 'old' },
  'after it is activated': { when: 'after', call: 'systemctl restart *', end: 'old' },
  'after the last look': { when: 'after', call: 'mv -T seen.new seen', end: 'old' },
  'before it is confirmed': { when: 'before', call: 'mv -T */pending */confirmed', end: 'either' },
  'after it is confirmed': { when: 'after', call: 'mv -T */pending */confirmed', end: 'new' },
  'before it becomes history': { when: 'before', call: 'mv -T */current */history/*', end: 'new' },
} as const

export type Stop = keyof typeof stops

const folder = '/var/tmp/stops'
const wrapper = `#!/bin/sh
name=\${0##*/}
read -r when call 2>/dev/null <${folder}/asked || exec /usr/bin/$name "$@"
case "$name $*" in $call) ;; *) exec /usr/bin/$name "$@" ;; esac
code=0
[ "$when" = before ] || { /usr/bin/$name "$@"; code=$?; }
if /usr/bin/mv ${folder}/asked ${folder}/reached 2>/dev/null; then while [ -e ${folder}/reached ]; do sleep 0.1; done; fi
[ "$when" = before ] || exit $code
exec /usr/bin/$name "$@"
`

const inside = (machine: Machine, name: string) => join(machine.root, folder, name)
/** The program in front of the real one, only while somebody asks for it: it costs every call a second process. */
const front = (machine: Machine, stop: Stop) =>
  join(machine.root, 'usr/local/sbin', stops[stop].call.split(' ')[0] ?? '')

export async function ask(machine: Machine, stop: Stop): Promise<void> {
  const { when, call } = stops[stop]
  await mkdir(inside(machine, ''), { recursive: true })
  await writeFile(inside(machine, 'asked'), `${when} ${call}\n`)
  await writeFile(front(machine, stop), wrapper, { mode: 0o755 })
}

/** @returns whether it came there before `gaveUp` said so */
export async function reached(machine: Machine, gaveUp: () => boolean): Promise<boolean> {
  const there = async () => (await isThere(inside(machine, 'reached'))) || (gaveUp() ? false : undefined)
  return (await until(there, { timeoutMs: 180_000, everyMs: 100 })) ?? false
}

/** It goes on; on a machine without power, it will. */
export async function letGo(machine: Machine, stop: Stop): Promise<void> {
  for (const path of [inside(machine, 'asked'), inside(machine, 'reached'), front(machine, stop)])
    await rm(path, { force: true })
}
