import { type OddHost, oddHost } from './odd-host.ts'

const without = (...programs: string[]) => ({
  odd: `for name in ${programs.join(' ')}; do
      for file in /usr/bin/$name /usr/sbin/$name; do
        if [ -e $file ] || [ -h $file ]; then mkdir -p /root/odd/\${file%/*}; mv $file /root/odd/$file; fi
      done
    done`,
  normal: 'cp -a /root/odd/usr /; rm -r /root/odd',
})
const shIs = (shell: string) => ({ odd: `ln -sfn ${shell} /bin/sh`, normal: 'ln -sfn dash /bin/sh' })

/** In /usr/local/sbin, which is found before all others. */
const busybox = (...names: string[]) => ({
  odd: `for name in ${names.join(' ')}; do ln -s /opt/busybox /usr/local/sbin/$name; done`,
  normal: 'rm -f /usr/local/sbin/*',
})
const uutils = {
  odd: 'ln -s /usr/lib/cargo/bin/coreutils/* /usr/local/sbin/',
  normal: 'rm -f /usr/local/sbin/*',
}
/** Those of coreutils that busybox has, but for `[`. */
const coreutils = [
  ...[
    'base64',
    'basename',
    'cat',
    'chgrp',
    'chmod',
    'chown',
    'cksum',
    'comm',
    'cp',
    'cut',
    'date',
    'dd',
    'df',
    'dirname',
  ],
  ...['du', 'echo', 'env', 'expr', 'false', 'fold', 'head', 'id', 'install', 'ln', 'ls', 'md5sum', 'mkdir', 'mkfifo'],
  ...['mknod', 'mktemp', 'mv', 'nice', 'nl', 'nohup', 'od', 'paste', 'printf', 'pwd', 'readlink', 'realpath', 'rm'],
  ...['rmdir', 'seq', 'sha256sum', 'shred', 'sleep', 'sort', 'split', 'stat', 'sync', 'tac', 'tail', 'tee', 'test'],
  ...['timeout', 'touch', 'tr', 'true', 'truncate', 'uname', 'uniq', 'unlink', 'wc', 'whoami', 'yes'],
]

/** sshd is run by another unit than ssh.service. */
const runBy = (unit: string, ...lines: string[]) => ({
  odd: `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} >/etc/systemd/system/${unit}
    systemctl daemon-reload; systemctl disable -q --now ssh.service; systemctl enable -q --now ${unit}`,
  normal: `systemctl disable -q --now ${unit}; systemctl stop ssh.service; rm /etc/systemd/system/${unit}
    systemctl daemon-reload; systemctl enable -q --now ssh.service`,
})
const bySocket = runBy(
  'ssh.socket',
  ...['[Unit]', 'Before=sockets.target ssh.service'],
  ...['[Socket]', 'ListenStream=0.0.0.0:22', 'ListenStream=[::]:22', 'BindIPv6Only=ipv6-only', 'Accept=no'],
  ...['FreeBind=yes', '[Install]', 'WantedBy=sockets.target', 'RequiredBy=ssh.service'],
)
const bySiteUnit = runBy(
  'my-sshd.service',
  ...['[Service]', 'RuntimeDirectory=sshd', 'RuntimeDirectoryPreserve=yes', 'ExecStart=/usr/sbin/sshd -D'],
  ...['ExecReload=/bin/kill -HUP $MAINPID', 'KillMode=process', '[Install]', 'WantedBy=multi-user.target'],
)
const unitsElsewhere = {
  odd: 'mv /etc/systemd/system /etc/systemd/units; ln -s units /etc/systemd/system; systemctl daemon-reload',
  normal: 'rm /etc/systemd/system; mv /etc/systemd/units /etc/systemd/system; systemctl daemon-reload',
}

/** Which programs there are, and how sshd and units are run. */
export const ground: readonly OddHost[] = [
  oddHost('no flock, ps, pgrep and pkill', without('flock', 'ps', 'pgrep', 'pkill')),
  oddHost('no ss and no ip', without('ss', 'ip')),
  oddHost('no gzip', without('gzip'), { refused: /are gzip and base64 there/ }),
  oddHost('sh is bash', shIs('bash')),
  oddHost('sh is busybox', shIs('/opt/busybox')),
  oddHost('busybox in the place of coreutils', busybox(...coreutils), { change: 'tunnel' }),
  oddHost('busybox in the place of coreutils, of a gateway', busybox(...coreutils), {
    change: 'tunnel',
    on: 'gateway',
  }),
  oddHost('busybox in the place of sed, grep and xargs', busybox('sed', 'grep', 'xargs')),
  oddHost('busybox in the place of find', busybox('find'), {
    refused: /\/usr\/local\/sbin\/find does not know -printf/,
  }),
  oddHost('uutils in the place of coreutils', uutils, { change: 'tunnel', suite: 'trixie' }),
  oddHost('uutils in the place of coreutils, of a gateway', uutils, {
    change: 'tunnel',
    suite: 'trixie',
    on: 'gateway',
  }),
  oddHost('systemd holds the port of sshd, as on Ubuntu', bySocket, { change: 'tunnel' }),
  oddHost('systemd holds the port of the sshd of a gateway, as on Ubuntu', bySocket, {
    change: 'tunnel',
    on: 'gateway',
  }),
  oddHost('sshd is run by a unit of the site', bySiteUnit, { change: 'tunnel' }),
  oddHost('the sshd of a gateway is run by a unit of the site', bySiteUnit, { change: 'tunnel', on: 'gateway' }),
  oddHost('the folder of units is a link', unitsElsewhere, { change: 'tunnel' }),
  oddHost('the folder of units of a gateway is a link', unitsElsewhere, { change: 'tunnel', on: 'gateway' }),
]
