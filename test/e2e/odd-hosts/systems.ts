import { edited, hostsFile, type OddHost, oddHost, together } from './odd-host.ts'

const mounted = (place: string, options: string, then = ':') => ({
  odd: `mount ${options} ${place}; ${then}`,
  normal: `umount ${place}`,
})
const bound = (place: string, options: string) =>
  mounted(place, `--bind ${place}`, `mount -o remount,bind,${options} ${place}`)
const moved = (from: string, to: string, then = ':') => ({
  odd: `mv ${from} ${to}; ln -s ${to} ${from}; ${then}`,
  normal: `rm ${from}; mv ${to} ${from}; ${then}`,
})
const unit = (text: string, start = ':') => ({
  odd: `printf '${text}' >/etc/systemd/system/odd.service; systemctl daemon-reload; ${start}`,
  normal:
    'systemctl stop odd.service || :; rm /etc/systemd/system/odd.service; systemctl daemon-reload; systemctl reset-failed',
})
const added = (path: string, ...lines: string[]) =>
  edited(path, `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} >>${path}`)
const stopped = (...units: string[]) => ({
  odd: `systemctl stop ${units.join(' ')}`,
  normal: `systemctl start ${units.join(' ')}`,
})

/** Disks and file systems. */
export const disks: readonly OddHost[] = [
  oddHost('/tmp runs no program', mounted('/tmp', '-t tmpfs -o noexec tmpfs')),
  oddHost('/tmp is read-only', mounted('/tmp', '-t tmpfs -o ro tmpfs')),
  oddHost('/var/lib/provision runs no program', bound('/var/lib/provision', 'noexec,nosuid,nodev')),
  oddHost('/var/lib/provision is a link', moved('/var/lib/provision', '/srv/provision')),
  oddHost('/run runs no program', { odd: 'mount -o remount,noexec /run', normal: 'mount -o remount,exec /run' }),
  oddHost('/etc/ssh is a disk of its own', mounted('/etc/ssh', '--bind /etc/ssh')),
  oddHost(
    '/etc is read-only',
    {
      odd: 'mount --rbind /etc /etc; mount --make-rprivate /etc; mount -o remount,bind,ro /etc',
      normal: 'umount -R /etc',
    },
    { refused: /Read-only file system/ },
  ),
]

/** Accounts and names. */
export const accounts: readonly OddHost[] = [
  oddHost(
    'the umask is 077 everywhere',
    together(
      added('/etc/profile', 'umask 077'),
      added('/etc/login.defs', 'UMASK 077'),
      added('/etc/pam.d/common-session', 'session optional pam_umask.so umask=077'),
    ),
  ),
  oddHost(
    'no user id is left for accounts of the system',
    added('/etc/login.defs', 'SYS_UID_MIN 990', 'SYS_UID_MAX 999'),
  ),
  oddHost('/etc/passwd and /etc/group ask NIS', together(added('/etc/passwd', '+::::::'), added('/etc/group', '+:::'))),
  oddHost('/etc/passwd has an empty line and a remark', added('/etc/passwd', '', '# by hand')),
  oddHost(
    '/etc/passwd has odd names',
    added('/etc/passwd', 'DOM\\\\bob:x:70001:100::/home/bob:/bin/sh', 'Alice:x:70002:100::/:/bin/sh'),
  ),
  oddHost('/etc/shadow is not there', {
    odd: 'pwunconv',
    normal: 'pwconv; chmod 640 /etc/shadow; chgrp shadow /etc/shadow',
  }),
  oddHost(
    'accounts are asked of services that do not answer',
    edited(
      '/etc/nsswitch.conf',
      `sed -i 's/^\\(passwd\\|group\\|shadow\\):.*/\\1: sss ldap files systemd/' /etc/nsswitch.conf`,
    ),
  ),
  oddHost('localhost is IPv6 alone', hostsFile('s/^127.*localhost.*/::1 localhost/')),
  oddHost('there is no IPv6', { odd: 'ip -6 address flush dev lo', normal: 'ip -6 address add ::1/128 dev lo' }),
  oddHost('the time zone is at the end of the world', {
    odd: 'cp -a /etc/localtime /root/; ln -sfn /usr/share/zoneinfo/Pacific/Kiritimati /etc/localtime',
    normal: 'rm -f /etc/localtime; mv /root/localtime /etc/',
  }),
]

/** What systemd is busy with. */
export const services: readonly OddHost[] = [
  oddHost(
    'a job never ends',
    unit('[Service]\\nType=oneshot\\nExecStart=/bin/sleep infinity\\n', 'systemctl start --no-block odd.service'),
  ),
  oddHost('a unit is written wrong', unit('[Service]\\nNonsense=yes\\n[Odd\\n')),
  oddHost('a drop-in for all services', {
    odd: `mkdir -p /etc/systemd/system/service.d; printf '[Service]\\nTimeoutStopSec=5\\nNice=5\\n' >/etc/systemd/system/service.d/odd.conf; systemctl daemon-reload`,
    normal: 'rm -r /etc/systemd/system/service.d; systemctl daemon-reload',
  }),
  oddHost(
    'journald is off',
    stopped('systemd-journald.socket', 'systemd-journald-dev-log.socket', 'systemd-journald.service'),
  ),
  oddHost('logind is masked', {
    odd: 'systemctl mask --runtime --now systemd-logind',
    normal: 'systemctl unmask --runtime systemd-logind; systemctl start systemd-logind',
  }),
  oddHost('the message bus is off', {
    odd: 'systemctl stop dbus.socket dbus.service',
    normal: 'systemctl start dbus.socket dbus.service; systemctl restart systemd-logind',
  }),
]
