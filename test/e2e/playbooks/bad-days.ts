import type { Resource } from 'provision'
import { managedFile, on, playbook, sh } from 'provision'
import holding from './holding.ts'

/** A change of which one piece misbehaves. */
const bad = (pieces: Readonly<Record<string, ReturnType<typeof sh>>>, saves: readonly string[] = []): Resource => ({
  id: 'a bad day',
  inspect: sh`cat /etc/e2e-bad 2>/dev/null || echo absent; if [ -e /run/healed ]; then echo healed; fi`,
  diff: (now) =>
    now.endsWith('healed\n')
      ? 'converged'
      : { summary: 'try', saves: ['/etc/e2e-bad', ...saves], commit: sh`:`, ...pieces },
})

const days: Readonly<Record<string, readonly Resource[]>> = {
  'full-stage': [bad({ stage: sh`head -c 1000000 /dev/zero >"$stage/big"` })],
  'full-commit': [managedFile('/etc/e2e-full/file', { content: 'x'.repeat(20_000) })],
  // It takes all room there is, and fails: nothing can be written while it is undone.
  'full-undo': [
    bad({ commit: sh`echo new >/etc/e2e-bad; head -c 800M /dev/zero >/etc/e2e-hog 2>/dev/null || exit 1` }),
  ],
  escapes: [bad({ validate: sh`printf '\033]0;owned\007\033[31mred\033[0m and \302\2332J plain\n' >&2; exit 1` })],
}

/** Besides what every host should have, what goes wrong on the one of that name. */
export default playbook((inventory) => [on(inventory.devices, ({ name }) => days[name] ?? []), holding(inventory)])
