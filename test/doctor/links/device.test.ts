import { now, units } from '../chain.ts'
import { brokenOn } from './case.ts'

const journal = (...texts: string[]) => texts.map((text) => `${now - 3}.5 dev ssh[9]: ${text}\n`).join('')

brokenOn('the device', [
  {
    when: 'its sshd listens on the address of its LAN alone',
    with: ({ device }) =>
      device
        .set('target-22', 'connect to address 127.0.0.1 port 22: Connection refused\n')
        .set('sshd-listens', 'listenaddress 192.168.1.5:22\nlistenaddress 192.168.1.5:2200\n'),
    link: 'device sshd',
    says: /^localhost:22 on dev, where the forward ends: nothing listens there, for its sshd listens on 192\.168\.1\.5:22 alone$/,
    mend: /^let the forward end there \(…:192\.168\.1\.5:22 in the inventory, then provision inv\.json\); or on dev: give its sshd_config `ListenAddress 127\.0\.0\.1`/,
  },
  {
    when: 'its unit was stopped',
    with: ({ device }) => device.set('unit', units({ ActiveState: 'inactive', UnitFileState: 'disabled' })),
    link: 'unit',
    says: /^t.service is stopped and disabled$/,
    mend: /^provision inv.json --limit dev$/,
  },
  {
    when: 'its unit is masked',
    with: ({ device }) => device.set('unit', units({ LoadState: 'masked', ActiveState: 'inactive' })),
    link: 'unit',
    says: /^t.service is masked$/,
    mend: /^provision inv.json --limit dev$/,
  },
  {
    when: 'its unit is not there',
    with: ({ device }) => device.set('unit', units({ LoadState: 'not-found', ActiveState: 'inactive' })),
    link: 'unit',
    says: /has no unit t.service/,
    mend: /^provision/,
  },
  {
    when: 'its unit runs, and would not after a boot',
    with: ({ device }) => device.set('unit', units({ UnitFileState: 'disabled' })),
    link: 'unit',
    says: /runs but is disabled/,
    mend: /^provision/,
  },
  {
    when: 'its ssh is frozen and nobody watches it',
    with: ({ device }) => device.set('alive', '').set('check', units({ ActiveState: 'inactive' })),
    link: 'unit',
    says: /but its ssh is frozen and does not answer; t-check.service, which would kill it, is inactive/,
    mend: /^on dev: systemctl kill/,
  },
  {
    when: 'autossh runs, and its ssh is refused',
    with: (chain) => {
      chain.supervisor = 'autossh'
      chain.device.set('alive', '').set('journal', journal('Permission denied (publickey).'))
    },
    link: 'unit',
    says: /^t.service runs, but none of its ssh processes has a tunnel: the gateway refuses its key \("Permission denied/,
    mend: /^on dev: journalctl -u t.service/,
  },
  {
    when: 'its unit fails at its forward',
    with: ({ device }) =>
      device
        .set('unit', units({ ActiveState: 'activating', SubState: 'auto-restart' }))
        .set('journal', journal('Warning: something', 'Error: remote port forwarding failed for listen path /s/x')),
    link: 'unit',
    says: /does not start: it is activating \(auto-restart\): the gateway does not let it create its unix socket.*\("Error: remote/,
    mend: /^on dev: journalctl -u t.service/,
  },
  {
    when: 'its clock is years behind',
    with: ({ device }) => device.set('now', String(now - 20 * 31_536_000)),
    link: 'clock',
    says: /^the clock of dev is 20 years behind that of gw$/,
    mend: /^on dev: timedatectl/,
  },
  {
    when: 'its clock is ahead, and asks no time server',
    with: ({ device }) => device.set('now', String(now + 1000)).set('clock', 'NTP=no\n'),
    link: 'clock',
    says: /16 min ahead of that of gw/,
    mend: /set-ntp true/,
  },
  {
    when: 'the configuration of its sshd is broken',
    with: ({ device }) =>
      device.set('sshd-test', '/etc/ssh/sshd_config.d/x.conf line 1: Badly formatted port number.\n'),
    link: 'device sshd',
    says: /could not start again: .*Badly formatted port number/,
    mend: /sshd -t/,
  },
  {
    when: 'its host key files are empty',
    with: ({ device }) =>
      device
        .set('host-keys', '0 /etc/ssh/ssh_host_ed25519_key\n')
        .set('sshd-test', 'sshd: no hostkeys available -- exiting.'),
    link: 'device sshd',
    says: /^\/etc\/ssh\/ssh_host_ed25519_key of dev is empty/,
    mend: /^on dev: rm .*ssh-keygen -A.*--accept-new-host-key dev$/,
  },
  {
    when: 'nothing listens where its forward ends',
    with: ({ device }) => device.set('target-22', "connect (`localhost'): Connection refused\n"),
    link: 'device sshd',
    says: /^localhost:22 on dev, where the forward ends: nothing listens there$/,
    mend: /systemctl start ssh/,
  },
  {
    when: 'localhost has no name',
    with: (chain) => {
      chain.forward = { state: 'device-sshd-down' }
      chain.device.set('target-22', 'no address\n')
    },
    link: 'device sshd',
    says: /^localhost:22 on dev, where the forward ends: localhost has no address there/,
    mend: /^on dev: echo '127\.0\.0\.1 localhost' >>\/etc\/hosts$/,
  },
  {
    when: 'a unit of the site runs its sshd',
    with: ({ device }) =>
      device
        .set('sshd-unit', units({ Id: 'my-sshd.service', ActiveState: 'inactive' }))
        .set('target-22', "connect (`localhost'): Connection refused\n"),
    link: 'device sshd',
    says: /nothing listens there$/,
    mend: /^on dev: systemctl status my-sshd; sshd -t; systemctl start my-sshd$/,
  },
])
