import { edited, type OddHost, oddHost } from './odd-host.ts'

const home = '/home/user001'
const shell = (path: string) => ({ odd: `usermod -s ${path} user001`, normal: 'usermod -s /bin/bash user001' })
/** A program of the site's own as the login shell. */
const ownShell = (script: string) => ({
  odd: `printf '%s\\n' '#!/bin/sh' '${script}' >/usr/local/bin/shell; chmod 755 /usr/local/bin/shell; usermod -s /usr/local/bin/shell user001`,
  normal: 'usermod -s /bin/bash user001; rm /usr/local/bin/shell',
})
const bashrc = (line: string) => edited(`${home}/.bashrc`, `printf '%s\\n' '${line}' >${home}/.bashrc`)
const pam = (line: string) => edited('/etc/pam.d/sshd', `echo '${line}' >>/etc/pam.d/sshd`)
const limits = (line: string) => ({
  odd: `echo '${line}' >/etc/security/limits.d/odd.conf`,
  normal: 'rm /etc/security/limits.d/odd.conf',
})
const homeIs = (odd: string, normal: string) => ({ odd, normal })

const refusedLogin = /the login as user001 was refused/
const noCommands = /did not run the script/

/** What a login meets before the first line of our script. */
export const logins: readonly OddHost[] = [
  oddHost('the login shell is dash', shell('/bin/dash')),
  oddHost('the login shell is a restricted bash', shell('/bin/rbash')),
  oddHost('the login shell greets and hands on', ownShell('echo Welcome; exec /bin/bash "$@"')),
  oddHost('the login shell splits its words anew', ownShell('shift; exec /bin/sh -c "$*"')),
  oddHost('the login shell is nologin', shell('/usr/sbin/nologin'), { refused: noCommands }),
  oddHost('the login shell is not there', shell('/bin/gone'), { refused: refusedLogin }),
  oddHost('.bashrc prints', bashrc('echo hello; echo hello >&2')),
  oddHost('.bashrc prints a line without an end', bashrc('printf hello')),
  oddHost('.bashrc ends at errors and at names that are not set', bashrc('set -eu')),
  oddHost('.bashrc shows every command', bashrc('set -x')),
  oddHost(
    '.bashrc has functions and aliases in the place of programs',
    bashrc('rm() { echo no; }; export -f rm; alias sh=no'),
  ),
  oddHost('.bashrc goes to a folder that is gone', bashrc('mkdir -p /tmp/gone; cd /tmp/gone; rmdir /tmp/gone')),
  oddHost('.bashrc leaves a trap', bashrc('trap "echo bye" EXIT')),
  oddHost('.bashrc starts something that stays', bashrc('sleep 3 &')),
  oddHost('.bashrc exits', bashrc('exit 0'), { refused: noCommands }),
  oddHost('~/.ssh/rc prints', { odd: `echo 'echo hello' >${home}/.ssh/rc`, normal: `rm ${home}/.ssh/rc` }),
  oddHost('/etc/ssh/sshrc takes stdin', { odd: `echo 'cat >/dev/null' >/etc/ssh/sshrc`, normal: 'rm /etc/ssh/sshrc' }),
  oddHost('the home is not there', homeIs(`mv ${home} /home/odd`, `mv /home/odd ${home}`), { refused: refusedLogin }),
  oddHost(
    'the home is read-only',
    homeIs(`mount --bind ${home} ${home}; mount -o remount,bind,ro ${home}`, `umount ${home}`),
  ),
  oddHost(
    'the home is a link',
    homeIs(`mv ${home} /srv/odd; ln -s /srv/odd ${home}`, `rm ${home}; mv /srv/odd ${home}`),
  ),
  oddHost(
    'the home is for everybody',
    homeIs(`stat -c %a ${home} >/root/mode; chmod 777 ${home}`, `chmod "$(cat /root/mode)" ${home}; rm /root/mode`),
    { refused: refusedLogin },
  ),
  oddHost('a session cannot be set up', pam('session required pam_exec.so /bin/false'), { refused: noCommands }),
  oddHost('a session takes a second', pam('session optional pam_exec.so quiet /bin/sleep 1')),
  oddHost('a session takes longer than --timeout', pam('session optional pam_exec.so quiet /bin/sleep 6')),
  oddHost('a session prints', pam('session optional pam_exec.so stdout /bin/echo hello')),
  oddHost(
    'nobody may log in just now',
    { odd: 'echo closed >/etc/nologin', normal: 'rm /etc/nologin' },
    { refused: /./ },
  ),
  oddHost('the account has expired', { odd: 'chage -E 1 user001', normal: 'chage -E -1 user001' }, { refused: /./ }),
  oddHost('the password has expired', edited('/etc/shadow', 'chage -d 0 user001'), {
    refused: /Password change required/,
  }),
  oddHost('the password is locked', edited('/etc/shadow', 'passwd -q -l user001')),
  oddHost('the account may have few files open', limits('user001 hard nofile 24')),
  oddHost('no file may grow large', limits('* hard fsize 1'), { refused: /File size limit exceeded/ }),
]
