import { units } from '../chain.ts'
import { brokenOn } from './case.ts'

brokenOn('the gateway', [
  {
    when: 'a stranger holds the port',
    with: ({ gateway }) =>
      gateway.set(
        'port-9022',
        'LISTEN 0 5 127.0.0.1:9022 0.0.0.0:* users:(("python3",pid=77,fd=3))\nprocess 77 web.service www python3 -m http.server 9022\n',
      ),
    link: 'listener',
    says: /^127\.0\.0\.1:9022 on gw is held by another program: python3, process 77 of www, of web.service \(python3 -m http.server 9022\)$/,
    mend: /^on gw: systemctl stop web.service; then t-9022.socket takes the port by itself/,
  },
  {
    when: 'a stranger holds the port, and its socket unit was stopped',
    with: ({ gateway }) =>
      gateway
        .set('port-9022', 'LISTEN 0 5 127.0.0.1:9022 0.0.0.0:* users:(("nc",pid=77,fd=3))\nprocess 77 - root nc\n')
        .set('socket-9022', units({ ActiveState: 'inactive' })),
    link: 'listener',
    says: /held by another program: nc, process 77 of root/,
    mend: /^on gw: kill 77; then provision inv.json --limit gw$/,
  },
  {
    when: 'somebody keeps a tunnel of their own on the port',
    listener: 'sshd',
    with: ({ gateway }) =>
      gateway.set(
        'port-9022',
        'LISTEN 0 128 127.0.0.1:9022 0.0.0.0:* users:(("sshd-session",pid=77,fd=9))\nprocess 77 session-3.scope joe sshd-session: joe\n',
      ),
    link: 'listener',
    says: /held by another program: sshd-session, process 77 of joe/,
    mend: /^on gw: kill 77; then the tunnel takes the port/,
  },
  {
    when: 'a container publishes the port on every address',
    with: ({ gateway }) =>
      gateway.set(
        'port-9022',
        'LISTEN 0 4096 0.0.0.0:9022 0.0.0.0:* users:(("docker-proxy",pid=77,fd=4))\nprocess 77 docker.service root /usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 9022\n',
      ),
    link: 'listener',
    says: /^127\.0\.0\.1:9022 on gw is held by another program: docker-proxy, process 77 of root \(\/usr\/bin\/docker-proxy/,
    mend: /^on gw: `docker ps` \(or podman\) shows the container that publishes that port: publish it on another one; then t-9022/,
  },
  {
    when: 'a stranger holds the port of every address',
    listener: 'sshd',
    with: ({ gateway }) =>
      gateway.set(
        'port-9022',
        'LISTEN 0 5 *:9022 *:* users:(("nc",pid=77,fd=3))\nprocess 77 session-4.scope joe nc -l 9022\n',
      ),
    link: 'listener',
    says: /held by another program: nc, process 77 of joe \(nc -l 9022\)$/,
    mend: /^on gw: kill 77; then the tunnel takes the port by itself/,
  },
  {
    when: 'its socket unit is stopped',
    with: ({ gateway }) =>
      gateway.set('port-9022', '').set('socket-9022', units({ ActiveState: 'failed', Result: 'resources' })),
    link: 'listener',
    says: /^nothing listens on 127\.0\.0\.1:9022 on gw: t-9022.socket is failed \(resources\)$/,
    mend: /^provision inv.json --limit gw$/,
  },
  {
    when: 'its socket unit is masked',
    with: ({ gateway }) =>
      gateway.set('port-9022', '').set('socket-9022', units({ LoadState: 'masked', ActiveState: 'inactive' })),
    link: 'listener',
    says: /t-9022.socket on gw is masked/,
    mend: /^provision inv.json --limit gw$/,
  },
  {
    when: 'what leads from the port to the tunnel has failed',
    with: ({ gateway }) =>
      gateway.set('proxy-9022', units({ Id: 't-9022.service', ActiveState: 'failed', Result: 'exit-code' })),
    link: 'listener',
    says: /has failed: t-9022.service \(exit-code\)/,
    mend: /reset-failed/,
  },
  {
    when: 'a dead session still holds the port',
    listener: 'sshd',
    with: ({ device }) => device.set('unit', units({ ActiveState: 'activating' })),
    link: 'listener',
    says: /still held by a session of sshd whose device is gone, process 300$/,
    mend: /kill 300/,
  },
])
