import { edited, type OddHost, oddHost, together } from './odd-host.ts'

const sudoers = (...lines: string[]) => ({
  odd: `cat >/etc/sudoers.d/zz-odd <<'END'\n${lines.join('\n')}\nEND\nchmod 440 /etc/sudoers.d/zz-odd`,
  normal: 'rm /etc/sudoers.d/zz-odd',
})
const environment = (...lines: string[]) =>
  edited('/etc/environment', `cat >/etc/environment <<'END'\n${lines.join('\n')}\nEND\n`)
const hard = [
  'POSIXLY_CORRECT=1',
  'CDPATH=/tmp:/etc',
  'TMPDIR=/nowhere',
  'TIME_STYLE=long-iso',
  'SYSTEMD_COLORS=1',
  'SYSTEMD_PAGER=less',
  'SYSTEMD_LOG_LEVEL=debug',
  'TZ=Pacific/Apia',
  'ENV=/etc/passwd',
  'BASH_ENV=/etc/passwd',
]

const sudoRs = {
  odd: 'mv /usr/bin/sudo /root/ && ln -s "$(command -v sudo-rs)" /usr/bin/sudo',
  normal: 'mv -f /root/sudo /usr/bin/sudo',
}
const asking = together(
  edited('/etc/sudoers.d/lab', `echo 'user001 ALL=(ALL) ALL' >/etc/sudoers.d/lab`),
  edited('/etc/shadow', 'echo user001:hunter22 | chpasswd'),
)

/** Variables, locales and sudo, as a login and root find them. */
export const environments: readonly OddHost[] = [
  oddHost('a locale that is not there', environment('LC_ALL=xx_XX.UTF-8', 'LANG=zz')),
  oddHost('variables that other programs heed', environment(...hard)),
  oddHost('variables that sudo lets through', together(environment(...hard), sudoers('Defaults !env_reset'))),
  oddHost('a PATH without sbin', environment('PATH=/usr/bin:/bin')),
  oddHost('the secure_path of sudo is without sbin', sudoers('Defaults secure_path = /usr/bin:/bin')),
  oddHost('sudo has no secure_path', sudoers('Defaults !secure_path')),
  oddHost('sudo requires a terminal', sudoers('Defaults requiretty'), { refused: /sudo there requires a terminal/ }),
  oddHost('sudo gives a terminal of its own', sudoers('Defaults use_pty')),
  oddHost('sudo records what passes', sudoers('Defaults log_input, log_output')),
  oddHost('sudo sets a umask', sudoers('Defaults umask = 0777, umask_override')),
  oddHost('sudo asks nobody, and for the password of root', sudoers('Defaults targetpw, !authenticate')),
  oddHost('sudo becomes somebody else by default', sudoers('Defaults runas_default = nobody')),
  oddHost('sudo lets nothing start a program', sudoers('Defaults noexec'), {
    refused: /may sudo start programs/,
  }),
  oddHost('sudo does not know the name of its host', {
    odd: 'hostname nobody',
    normal: 'hostname "$(cat /etc/hostname)"',
  }),
  oddHost('sudo-rs in the place of sudo', sudoRs, { suite: 'trixie' }),
  oddHost('sudo-rs, which asks for a password', together(asking, sudoRs), {
    suite: 'trixie',
    env: { PROVISION_SUDO_PASSWORD: 'hunter22' },
    refused: /the script did not arrive: sudo read it together with the password/,
  }),
]
