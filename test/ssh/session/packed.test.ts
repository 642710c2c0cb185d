import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { packed } from '../../../src/ssh/session/packed.ts'

const long = `# ${'x'.repeat(3000)}\n`
const run = (shell: string, script: string, env: NodeJS.ProcessEnv = process.env, input = '') =>
  spawnSync(shell, ['-c', script], { input, env, encoding: 'utf8' })

test('a short script stays as it is, a long one is less than half of it', () => {
  expect(packed('echo a\n')).toBe('echo a\n')
  const script = `${'printf "%s\\n" "a line of a script"\n'.repeat(200)}`
  expect(packed(script).length).toBeLessThan(script.length / 2)
})

test.each(['dash', 'bash'])(
  '%s runs it as it was: words, exit code, its own stdin, quotes and 8-bit letters',
  (shell) => {
    const script = `${long}read -r line\nprintf '%s\\n' "$line" 'it'\\''s' 'ü \\\\ $x \`y\`'\nexit 7\n`
    const ran = run(shell, packed(script), process.env, 'from stdin\n')
    expect({ code: ran.status, said: ran.stdout, errors: ran.stderr }).toEqual({
      code: 7,
      said: "from stdin\nit's\nü \\\\ $x `y`\n",
      errors: '',
    })
  },
)

test('without gzip, and when it was cut short, nothing is run and the exit code says so', () => {
  const text = packed(`${long}echo ran\n`)
  const without = run('/bin/dash', text, { PATH: '/nowhere' })
  expect({ code: without.status, said: without.stdout }).toEqual({ code: 127, said: '' })
  expect(without.stderr).toContain('gzip')
  for (let length = 0; length < text.length - 1; length += 7) {
    const cut = run('dash', text.slice(0, length))
    expect(cut.stdout, `cut after ${length}`).toBe('')
  }
})
