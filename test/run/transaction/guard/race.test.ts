import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { applyScript, confirmScript } from '../../../../src/run/transaction/script.ts'
import { sh } from '../../../../src/shell/sh.ts'
import { fileIn } from '../host.ts'
import { box, thing } from './box.ts'

const host = box()
afterAll(() => host.end())

test('of a confirmation and an undo in the same moment one wins, and the host is wholly new or wholly old', () => {
  const races = 60
  const live = join(host.etc, 'live')
  const change = { saves: [live], commit: sh`echo new >${live}` }
  const one = thing('x', change)
  const script = applyScript({
    id: 'race',
    who: 'x',
    confirmWithinSeconds: 0,
    resources: [one],
    changes: [{ resource: one, change: { summary: '', ...change }, digest: '' }],
  })
  const template = join(host.root, 'template')
  mkdirSync(template)
  mkdirSync(join(host.home, 'history'), { recursive: true })
  writeFileSync(join(template, 'guard.sh'), host.inBox(fileIn(script, 'guard.sh')))
  // Nothing moved: the race is not about that.
  writeFileSync(
    join(template, 'plan.sh'),
    host.inBox(fileIn(script, 'plan.sh')).replace(/^expect_0=.*$/m, 'unmoved() { :; }; holds() { :; }'),
  )
  writeFileSync(join(host.root, 'confirm.sh'), host.inBox(confirmScript('race')))
  const driver = `
cd ${host.root} || exit
n=0
while [ $n -lt ${races} ]; do
  echo old >${live}
  rm -rf ${host.home}/history/race ${host.current}
  cp -r template ${host.current}
  echo race >${host.current}/id
  echo "$$ $(sed 's/.*) //' /proc/$$/stat | cut -d ' ' -f 20)" >${host.current}/holder
  dash ${host.current}/guard.sh run &
  # Confirmed a little sooner or later each time, around the moment at which the confirmWithinSeconds ends.
  while [ ! -e ${host.current}/seen.new ] && [ ! -e ${host.current}/seen ] && [ ! -e ${host.home}/history/race ]; do :; done
  i=0; while [ $i -lt $((n * 60)) ]; do i=$((i + 1)); done
  said=$(dash confirm.sh | grep '^@outcome')
  wait
  echo "$said $(cat ${host.home}/history/race/outcome) $(cat ${live})"
  n=$((n + 1))
done`
  writeFileSync(join(host.root, 'driver.sh'), driver)
  const { stdout, stderr } = spawnSync('dash', ['driver.sh'], { cwd: host.root, env: { PATH: '/usr/bin:/bin' } })
  const rows = stdout.toString().trim().split('\n')
  expect(rows.length, stderr.toString()).toBe(races)
  const ends = new Set(rows)
  for (const end of ends) {
    expect(['@outcome confirmed confirmed new', '@outcome undone undone old']).toContain(end)
  }
})
