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
    when: 'nothing is wrong but the forward itself',
    with: (chain) => {
      chain.forward = { state: 'stale', error: { message: 'nobody speaks', hint: 'wait' } }
    },
    link: 'forward',
    says: /^127\.0\.0\.1:9022 on gw is stale: nobody speaks$/,
    mend: /^wait$/,
  },
])
