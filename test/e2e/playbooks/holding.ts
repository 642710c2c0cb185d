import type { Resource } from 'provision'
import { account, authorizedKeys, managedFile, on, playbook, sh, sshdSettings, systemdUnit } from 'provision'

// Only while a test says so, and never after a power cut: /run is empty then.
const hold = (phase: string) => sh`
  if [ "$(cat /run/hold 2>/dev/null)" = ${phase} ]; then
    echo ${phase} >/run/held
    while [ -e /run/hold ]; do sleep 0.02; done
  fi
`

/** A change in whose middle a host can be held; see ../hold.ts. */
const middle: Resource = {
  id: 'middle',
  inspect: sh`
    ${hold('look')} >/dev/null
    cat /etc/e2e-middle 2>/dev/null || echo absent
    if [ -e /etc/e2e-middle ]; then ${hold('inspect')}; fi >/dev/null
  `,
  diff(now) {
    if (now === 'new\n') return 'converged'
    return {
      summary: 'write the middle',
      saves: ['/etc/e2e-middle'],
      stage: sh`${hold('stage')}; echo new >"$stage/middle"`,
      validate: hold('validate'),
      commit: sh`${hold('commit')}; put "$stage/middle" /etc/e2e-middle 600 root:root`,
      activate: sh`
        ${hold('activate')}
        case "$(cat /run/hold 2>/dev/null)" in
          undo) echo 'it does not start' >&2; exit 3 ;;
          waiting) kill -STOP "$(systemctl show --property=MainPID --value ssh.service)" ;;
        esac
      `,
      undo: hold('undo'),
    }
  },
}

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqrUtnTKn1MnO7b3a6HxkvjF4wxpJYyzuQAzbXXYYYY'
const unit = '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n'

/**
 * One change of every kind, and the one that can be held among them. It comes before sshd is told anything: one that is
 * stopped while it starts itself anew would hold up every later reload, until systemd gives up after 90 s.
 */
export default playbook(({ gateways, devices }) => [
  on([...gateways, ...devices], () => [
    managedFile('/etc/e2e-first', { content: 'new\n', mode: '640' }),
    account('newcomer'),
    authorizedKeys('newcomer', { keys: [{ key, comment: 'a key' }] }),
    middle,
    sshdSettings('10-e2e', { match: 'User newcomer', user: 'newcomer', settings: [['PermitTTY', 'no']] }),
    managedFile('/etc/e2e/made/below/last', { content: 'last\n' }),
    systemdUnit('e2e.service', { content: unit }),
  ]),
])
