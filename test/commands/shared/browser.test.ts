import { expect, test } from 'vitest'
import { browserCommand } from '../../../src/commands/shared/browser.ts'

test.each([
  ['darwin', {}, 'open'],
  ['win32', {}, 'cmd'],
  ['linux', { DISPLAY: ':0' }, 'xdg-open'],
  ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, 'xdg-open'],
  ['linux', { BROWSER: '/usr/bin/firefox' }, '/usr/bin/firefox'],
  ['linux', {}, undefined],
] as const)('on %s with %j the page is shown by %s', (platform, env, program) => {
  const words = browserCommand('http://127.0.0.1:1/', { platform, env })
  expect([words?.[0], words?.at(-1)]).toEqual([program, program && 'http://127.0.0.1:1/'])
})
