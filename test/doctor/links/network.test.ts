import { brokenOn, log, noConnection } from './case.ts'

brokenOn('the device', [
  {
    when: 'its name server is gone',
    with: ({ device }) => device.set('resolve', ''),
    link: 'name',
    says: /^dev finds no address for gw$/,
    mend: /^on dev: getent ahosts gw/,
  },
  {
    when: 'its own hosts file says that the gateway is itself',
    with: ({ device }) => device.set('resolve', '127.0.1.1 STREAM gw\n'),
    link: 'name',
    says: /^dev resolves gw to 127\.0\.1\.1, which is dev itself/,
    mend: /\/etc\/hosts/,
  },
  {
    when: 'it has no default route',
    with: ({ device }) =>
      device
        .set('routes', '10.0.0.1 RTNETLINK answers: Network is unreachable\n')
        .set('try', noConnection('Network is unreachable')),
    link: 'route',
    says: /^dev has no route to 10\.0\.0\.1: Network is unreachable$/,
    mend: /^on dev: ip address; ip route/,
  },
  {
    when: 'what it sends is dropped',
    with: ({ device }) => device.set('try', noConnection('Connection timed out')),
    link: 'firewall',
    says: /does not answer dev: a firewall/,
    mend: /allow dev to connect to gw port 22\/tcp/,
  },
  {
    when: 'what it sends is rejected, although sshd listens',
    with: ({ device }) => device.set('try', noConnection('Connection refused')),
    link: 'firewall',
    says: /refuses dev, although gw listens there/,
    mend: /allow dev to connect/,
  },
  {
    when: 'its ssh was killed while it waited',
    with: ({ device }) => device.set('try', 'OpenSSH_10.0p2\ndebug1: Connecting to gw [10.0.0.1] port 22.\n'),
    link: 'firewall',
    says: /does not answer dev/,
    mend: /allow dev to connect/,
  },
  {
    when: 'it has no ssh',
    with: ({ device }) => device.set('try', 'timeout: failed to run command ssh: No such file or directory\n'),
    link: 'firewall',
    says: /^dev cannot connect: timeout: failed to run command/,
    mend: /^on dev: ssh -v gw$/,
  },
  {
    when: 'a router says no',
    with: ({ device }) => device.set('try', noConnection('No route to host')),
    link: 'firewall',
    says: /rejects the connection: .*No route to host/,
    mend: /allow dev to connect/,
  },
])

brokenOn('the gateway', [
  {
    when: 'its sshd does not listen where devices dial',
    with: ({ gateway, device }) => {
      gateway.set('dial', '')
      device.set('try', noConnection('Connection refused'))
    },
    link: 'gateway sshd',
    says: /^nothing listens on port 22 of gw$/,
    mend: /^on gw: systemctl restart ssh; sshd -T/,
  },
  {
    when: 'the configuration of its sshd is broken',
    with: ({ gateway }) => gateway.set('test', 'x.conf: line 1: Bad configuration option: Foo\n'),
    link: 'gateway sshd',
    says: /could not start again: .*Bad configuration option/,
    mend: /sshd -t/,
  },
  {
    when: 'another program sits on its port',
    with: ({ gateway, device }) => {
      gateway.set(
        'dial',
        'LISTEN 0 5 0.0.0.0:22 0.0.0.0:* users:(("nginx",pid=7,fd=3))\nprocess 7 nginx.service www nginx\n',
      )
      device.set(
        'try',
        'debug1: Connection established.\nkex_exchange_identification: banner line contains invalid characters\n',
      )
    },
    link: 'gateway sshd',
    says: /held by nginx, process 7, which is not an sshd/,
    mend: /^on gw: systemctl status 7$/,
  },
  {
    when: 'its sshd takes connections and says nothing',
    with: ({ device }) =>
      device.set('try', 'debug1: Connection established.\nConnection timed out during banner exchange\n'),
    link: 'gateway sshd',
    says: /does not answer as an sshd does: Connection timed out during banner exchange/,
    mend: /systemctl restart ssh/,
  },
  {
    when: 'it keeps the address of the device out',
    with: ({ gateway, device }) => {
      device.set(
        'try',
        'debug1: Connection established.\ndebug1: kex_exchange_identification: banner line 0: Not allowed at this time\nkex_exchange_identification: Connection closed by remote host\n',
      )
      gateway.set(
        'log',
        log(20, 'Connection closed by authenticating user tunnel-other 10.0.0.9 port 5 [preauth]') +
          log(1, 'drop connection #0 from [10.0.0.9]:5 on [10.0.0.1]:22 penalty: failed authentication'),
      )
    },
    link: 'penalties',
    says: /refuses every connection from 10\.0\.0\.9 for a while, because of failed authentication \(PerSourcePenalties\): refused logins: 1 as tunnel-other$/,
    mend: /provision inv.json --limit gw$/,
  },
  {
    when: 'too many log in at once',
    with: ({ device }) =>
      device.set(
        'try',
        'debug1: Connection established.\ndebug1: kex_exchange_identification: banner line 0: Exceeded MaxStartups\n',
      ),
    link: 'penalties',
    says: /too many logins under way from 10\.0\.0\.9 .*\(MaxStartups/,
    mend: /raise MaxStartups/,
  },
])
