import { fingerprintOf } from '../../../src/ssh/host-keys/pins.ts'
import { account, attempt, deviceKey, gatewayKey, otherKey, shown } from '../chain.ts'
import { brokenOn, log } from './case.ts'

const trusted = fingerprintOf(`ssh-ed25519 ${gatewayKey}`)
const refused = attempt(trusted, 'tunnel-dev@gw: Permission denied (publickey).')

brokenOn('the device', [
  {
    when: 'it trusts another host key of the gateway',
    with: ({ device }) =>
      device.set('trusted', `ssh-ed25519 ${otherKey}\n`).set('try', attempt(trusted, 'Host key verification failed.')),
    link: 'gateway host key',
    says: /^dev does not trust the host key of gw, SHA256/,
    mend: /^provision inv.json --limit gw --limit dev$/,
  },
  {
    when: 'somebody else answers at the address of the gateway',
    with: ({ device }) => device.set('try', attempt(shown.other, 'Host key verification failed.')),
    link: 'gateway host key',
    says: /^another machine answers dev at gw: it presents SHA256:other/,
    mend: /Do not make dev trust that key/,
  },
  {
    when: 'its own key file is empty',
    with: ({ device }) => device.set('key', '600 root 0\nLoad key "/etc/t/key": error in libcrypto\n'),
    link: 'key',
    says: /^the key of dev, \/etc\/t\/key, cannot be read: Load key/,
    mend: /^provision inv.json --limit gw --limit dev$/,
  },
])

brokenOn('the gateway', [
  {
    when: 'a host key file of it is empty',
    with: ({ gateway }) =>
      gateway.set('host-keys', '0 /etc/ssh/a\n0 /etc/ssh/b\n').set('test', 'sshd: no hostkeys available -- exiting.'),
    link: 'gateway host key',
    says: /^\/etc\/ssh\/a, \/etc\/ssh\/b of gw are empty/,
    mend: /--accept-new-host-key gw$/,
  },
  {
    when: 'the account is gone',
    with: ({ gateway }) => gateway.set('account', ''),
    link: 'account',
    says: /^gw has no account tunnel-dev$/,
    mend: /^provision inv.json --limit gw --limit dev$/,
  },
  {
    when: 'the account has expired',
    with: ({ gateway }) => gateway.set('account', `${account}:x:990:\nexpires 1\n`),
    link: 'account',
    says: /has expired on 1970-01-02$/,
    mend: /^on gw: chage -E -1 tunnel-dev$/,
  },
  {
    when: 'the account is locked and sshd does without PAM',
    with: ({ gateway }) =>
      gateway
        .set('account', `${account}:x:990:\nlocked\nexpires \n`)
        .set('settings', 'usepam no\nauthorizedkeysfile /keys/%u\n'),
    link: 'account',
    says: /is locked/,
    mend: /usermod -p/,
  },
  {
    when: 'its login shell is not there',
    with: ({ gateway }) => gateway.set('account', `${account}:x:990:\nexpires \nno shell\n`),
    link: 'account',
    says: /login shell of tunnel-dev does not exist/,
    mend: /usermod -s/,
  },
  {
    when: 'sshd looks for keys in another place',
    with: ({ gateway }) => gateway.set('settings', 'authorizedkeysfile .ssh/authorized_keys\n'),
    link: 'account',
    says: /takes the keys of tunnel-dev from \.ssh\/authorized_keys/,
    mend: /^provision inv.json --limit gw$/,
  },
  {
    when: 'the folder of the account is gone',
    with: ({ gateway }) => gateway.set('jail', `absent /run/t/${account}\nabsent /run/t/${account}/s\n`),
    link: 'account',
    says: /the folder \/run\/t\/tunnel-dev of tunnel-dev does not exist/,
    mend: /^provision .* --limit gw$/,
  },
  {
    when: 'AllowUsers leaves the account out',
    with: ({ gateway, device }) => {
      device.set('try', refused)
      gateway.set('log', log(2, `User ${account} from 10.0.0.9 not allowed because not listed in AllowUsers`))
    },
    link: 'account',
    says: /not listed in AllowUsers/,
    mend: /\(allow\|deny\)/,
  },
  {
    when: 'the key file is gone',
    with: ({ gateway }) =>
      gateway.set('rights', '755 root directory /keys\nabsent /keys/tunnel-dev\n').set('lines', ''),
    link: 'key',
    says: /^gw has no file \/keys\/tunnel-dev$/,
    mend: /^provision inv.json --limit gw --limit dev$/,
  },
  {
    when: 'the key line is damaged',
    with: ({ gateway }) => gateway.set('lines', 'restrict ssh-ed25519 AAAA dev\n').set('fingerprints', ''),
    link: 'key',
    says: /has no complete key of dev: its line is damaged$/,
    mend: /^provision/,
  },
  {
    when: 'another key stands there',
    with: ({ gateway }) =>
      gateway.set('lines', `restrict ssh-ed25519 ${otherKey} dev\n`).set('fingerprints', 'SHA256:o'),
    link: 'key',
    says: /has another key than dev: SHA256:o there, SHA256:\S+ on the device$/,
    mend: /^provision/,
  },
  {
    when: 'everybody may write the key file',
    with: ({ gateway }) => gateway.set('rights', '755 root directory /keys\n666 root regular file /keys/tunnel-dev\n'),
    link: 'key',
    says: /users other than root may write \/keys\/tunnel-dev \(mode 666\)/,
    mend: /chmod 644/,
  },
  {
    when: 'sshd cannot read the key file as the account',
    with: ({ gateway }) => gateway.set('rights', '755 root directory /keys\n600 root regular file /keys/tunnel-dev\n'),
    link: 'key',
    says: /only root may read/,
    mend: /chmod 644/,
  },
  {
    when: 'its line lets it listen on another port',
    listener: 'sshd',
    with: ({ gateway }) => gateway.set('lines', `restrict,permitlisten="127.0.0.1:1" ssh-ed25519 ${deviceKey} dev\n`),
    link: 'key',
    says: /does not allow it to listen on port 9022$/,
    mend: /^provision/,
  },
  {
    when: 'the key is refused although all looks right',
    with: ({ device }) => device.set('try', refused),
    link: 'key',
    says: /^gw refuses the key of dev: tunnel-dev@gw: Permission denied/,
    mend: /^on gw: journalctl -u ssh -n 30; sshd -T/,
  },
])
