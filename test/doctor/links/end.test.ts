import { brokenOn } from './case.ts'

brokenOn('the device', [
  {
    when: 'another sshd answers through the forward',
    with: (chain) => {
      chain.forward = { state: 'wrong-device', error: { message: 'dev presented another host key', hint: 'ss -ltnp' } }
    },
    link: 'host key',
    says: /^dev presented another host key$/,
    mend: /^ss -ltnp$/,
  },
  {
    when: 'it lets in nobody who comes through the tunnel',
    with: (chain) => {
      chain.device.set('directives', '/etc/ssh/sshd_config.d/10-h.conf:1:AllowUsers joe@10.*\n')
      chain.forward = {
        state: 'ok',
        hostKey: 'SHA256:dev',
        unchecked: 'there was no login: the login as joe was refused',
      }
    },
    link: 'login',
    says: /^the tunnel works, but there was no login: the login as joe was refused; AllowUsers joe@10\.\* \(\/etc\/ssh\/sshd_config\.d\/10-h\.conf line 1\)$/,
    mend: /^on dev: allow the login from 127\.0\.0\.1 and ::1, where everybody comes from who comes through the tunnel; systemctl reload ssh$/,
  },
  {
    when: 'nothing is wrong but the forward itself',
    with: (chain) => {
      chain.forward = { state: 'stale', error: { message: 'nobody speaks', hint: 'wait' } }
    },
    link: 'forward',
    says: /^127\.0\.0\.1:9022 on gw is stale: nobody speaks$/,
    mend: /^wait$/,
  },
])
