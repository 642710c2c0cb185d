import { edited, type OddHost, oddHost, together } from './odd-host.ts'

const reload = 'systemctl reload ssh'
const folder = '/etc/ssh/sshd_config.d'
const config = '/etc/ssh/sshd_config'
const dropIn = (...lines: string[]) => ({
  odd: `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} >${folder}/05-odd.conf; ${reload}`,
  normal: `rm ${folder}/05-odd.conf; ${reload}`,
})
const file = (script: string) => edited(config, script, reload)
const include = (line: string) => file(`sed -i 's#^Include.*#${line}#' ${config}`)
const added = (text: string) => file(`printf '${text}' >>${config}`)
/** Before sshd itself is told. */
const first = (odd: string, normal: string) => ({ odd, normal })

/** How sshd is set. */
export const settings: readonly OddHost[] = [
  oddHost('sshd listens on another port as well', dropIn('Port 22', 'Port 2022')),
  oddHost('sshd listens on IPv4 alone', dropIn('AddressFamily inet')),
  oddHost('a connection may have one session', dropIn('MaxSessions 1')),
  oddHost('a connection may have no session', dropIn('MaxSessions 0'), { refused: /its sshd opens no session/ }),
  oddHost('a login may try one key', dropIn('MaxAuthTries 1')),
  oddHost('two logins at a time', dropIn('MaxStartups 2')),
  oddHost('a login has five seconds', dropIn('LoginGraceTime 5')),
  oddHost('silent sessions end soon', dropIn('ClientAliveInterval 5', 'ClientAliveCountMax 1')),
  oddHost('no terminal', dropIn('PermitTTY no')),
  oddHost('no PAM, where passwords are locked', dropIn('UsePAM no'), { refused: /the login as user001 was refused/ }),
  oddHost(
    'a long banner',
    together(first('yes hello | head -n 400 >/etc/issue.odd', 'rm /etc/issue.odd'), dropIn('Banner /etc/issue.odd')),
  ),
  oddHost('one command for everybody', dropIn('ForceCommand /bin/echo no'), { refused: /did not run the script/ }),
  oddHost('a folder that nobody leaves', dropIn('ChrootDirectory /srv'), { refused: /did not run the script/ }),
  oddHost('keys are elsewhere', dropIn('AuthorizedKeysFile /etc/ssh/keys/%u'), {
    refused: /the login as user001 was refused/,
  }),
  oddHost(
    'keys come from a program as well',
    dropIn('AuthorizedKeysCommand /usr/bin/true', 'AuthorizedKeysCommandUser root'),
  ),
  oddHost(
    'any variable is taken, and all is compressed',
    dropIn('Compression yes', 'AcceptEnv *', 'PermitUserEnvironment yes'),
  ),
  oddHost('a device forwards nothing', dropIn('AllowTcpForwarding no')),
]

/** How the files of sshd and ssh are written. */
export const configurations: readonly OddHost[] = [
  oddHost(
    'a drop-in that root alone reads',
    together(dropIn('X11Forwarding no'), first(`chmod 600 ${folder}/05-odd.conf`, ':')),
  ),
  oddHost(
    'a drop-in with blanks in its name',
    first(
      `echo 'X11Forwarding no' >'${folder}/05 odd one.conf'; ${reload}`,
      `rm '${folder}/05 odd one.conf'; ${reload}`,
    ),
  ),
  oddHost(
    'leftovers of editors beside the drop-ins',
    first(
      `cd ${folder}; for name in .a.conf.swp b.conf~ c.conf.dpkg-old '#d#'; do echo 'Nonsense yes' >"$name"; done; mkdir e.d`,
      `cd ${folder}; rm .a.conf.swp b.conf~ c.conf.dpkg-old '#d#'; rmdir e.d`,
    ),
  ),
  oddHost('sshd_config has the line ends of Windows', file(`sed -i 's/$/\\r/' ${config}`)),
  oddHost('sshd_config is without its last line end', added('X11Forwarding no')),
  oddHost('sshd_config in capitals, with tabs and =', added('X11FORWARDING\\t=\\tno\\n')),
  oddHost('sshd_config ends in a Match', added('Match User bob\\n  X11Forwarding no\\n')),
  oddHost('sshd_config is not ASCII', added('# Zugänge für alle\\n# \\351\\n')),
  oddHost('sshd_config is a link', file(`mv ${config} /srv/sshd_config; ln -s /srv/sshd_config ${config}`)),
  oddHost(
    'the folder of drop-ins is a link',
    first(`mv ${folder} /srv/; ln -s /srv/sshd_config.d ${folder}`, `rm ${folder}; mv /srv/sshd_config.d /etc/ssh/`),
  ),
  oddHost('Include is relative, and in small letters', include('include sshd_config.d/*')),
  oddHost('Include in quotes', include('Include "/etc/ssh/sshd_config.d/*.conf"')),
  oddHost('Include with =', include('Include=/etc/ssh/sshd_config.d/*.conf')),
  oddHost('Include of several patterns', include('Include /etc/ssh/none/*.conf /etc/ssh/sshd_config.d/*.conf')),
  oddHost(
    'Include in an included file',
    together(
      first(`echo 'Include ${folder}/*.conf' >/etc/ssh/more`, 'rm /etc/ssh/more'),
      include('Include /etc/ssh/more'),
    ),
  ),
  oddHost(
    'the ssh_config of a device is hard on tunnels',
    first(
      `printf '%s\\n' 'Host *' 'ProxyCommand false' 'User nobody' 'Port 99' 'ControlMaster auto' 'ControlPath /tmp/%C' 'RemoteCommand false' >/etc/ssh/ssh_config.d/odd.conf`,
      'rm /etc/ssh/ssh_config.d/odd.conf',
    ),
    { change: 'tunnel' },
  ),
]
