import type { Resource } from 'provision'
import { authorizedKeys, managedFile, on, playbook, sh, systemdUnit } from 'provision'

const reload = sh`systemctl reload ssh.service`
const other = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqrUtnTKn1MnO7b3a6HxkvjF4wxpJYyzuQAzbXXYYYY'

/** A drop-in that sshd -t finds nothing wrong with. */
function dropIn(content: string): Resource {
  const file = managedFile('/etc/ssh/sshd_config.d/00-lockout.conf', { content })
  return {
    ...file,
    diff(now, seen) {
      const change = file.diff(now, seen)
      return typeof change === 'object' && 'commit' in change ? { ...change, activate: reload, undo: reload } : change
    },
  }
}

const listener = '"$$(systemctl show --property=MainPID --value ssh.service)"'
/** Ends the session that we have, and lets nobody in any more. */
const deaf = `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'kill -STOP ${listener}; kill -KILL $$(grep -lx sshd-session /proc/[0-9]*/comm | tr -dc "0-9\\n")'
ExecStop=/bin/sh -c 'kill -CONT ${listener}'
[Install]
WantedBy=multi-user.target
`

/** No rule is wrong, and no session that stands hears anything any more. */
const rules = 'table inet lockout {\n  chain input { type filter hook input priority 0; tcp dport 22 drop; }\n}\n'
function firewall(): Resource {
  const file = managedFile('/etc/lockout.nft', { content: rules })
  return {
    ...file,
    diff(now, seen) {
      const change = file.diff(now, seen)
      if (typeof change !== 'object' || 'refused' in change) return change
      const path = '/etc/lockout.nft'
      return {
        ...change,
        validate: sh`nft -c -f "$stage/candidate"`,
        activate: sh`nft -f ${path}`,
        undo: sh`nft delete table inet lockout`,
      }
    },
  }
}

/** Nothing undoes it. */
const leftBehind: Resource = {
  id: 'something left behind',
  inspect: sh`if [ -e /etc/left-behind ]; then echo there; fi`,
  diff: (now) => (now === '' ? { summary: 'leave it', saves: [], commit: sh`: >/etc/left-behind` } : 'converged'),
}

/** Its file goes back, and sshd is not told. */
function untold(): Resource {
  const file = dropIn('AllowUsers nobody\n')
  return {
    ...file,
    diff(now, seen) {
      const change = file.diff(now, seen)
      return typeof change === 'object' && 'commit' in change ? { ...change, undo: sh`:` } : change
    },
  }
}

/** How to lock oneself out: each device the way it is called. */
const ways: Readonly<Record<string, readonly Resource[]>> = {
  'allow-users': [dropIn('AllowUsers nobody\n')],
  'another-port': [dropIn('Port 2222\n')],
  'wrong-key': [authorizedKeys('user001', { keys: [{ key: other }], exclusive: true })],
  firewall: [firewall()],
  'no-way-back': [untold()],
  'left-behind': [leftBehind, dropIn('AllowUsers nobody\n')],
  deaf: [systemdUnit('e2e-deaf.service', { content: deaf })],
}

export default playbook(({ devices }) => [on(devices, ({ name }) => ways[name] ?? [])])
