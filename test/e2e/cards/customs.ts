import { fresh, type Texts } from '../../image/kit.ts'
import type { Custom, Field } from './fields.ts'

/** The hash of a password that is a secret of somebody else's. */
export const hash = '$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/'

const kernel = 'console=tty1 root=PARTUUID=00000000-02 rootfstype=ext4 rootwait quiet'
const run = 'systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target'
const script = (text: string) => ({
  'cmdline.txt': `${kernel} ${run}\n`,
  'firstrun.sh': `#!/bin/bash\n\nset +e\n\n${text}`,
})
const cleanUp = `rm -f /boot/firstrun.sh
sed -i 's| systemd.run.*||g' /boot/firmware/cmdline.txt
exit 0
`

/** What Raspberry Pi Imager asks for: a name, a user, a time zone. */
const byImager = (name: string): Readonly<Record<Field['format'], Texts>> => ({
  'cloud-init': {
    'meta-data': 'instance-id: rpi-imager-1764000000000\n',
    'cmdline.txt': `${kernel} ds=nocloud;i=rpi-imager-1764000000000\n`,
    'user-data': `#cloud-config
hostname: ${name}
manage_etc_hosts: true
timezone: Asia/Tokyo
users:
- name: imager
  shell: /bin/bash
  lock_passwd: false
  passwd: ${hash}
`,
  },
  firstrun: script(`/usr/lib/userconf-pi/userconf 'imager' '${hash}'
systemctl enable ssh
rm -f /etc/localtime
ln -s /usr/share/zoneinfo/Asia/Tokyo /etc/localtime
${cleanUp}`),
  'rpi-preseed': {
    'rpi-preseed.toml': `config_version = "1.0"

[system]
hostname = "${name}"

[user]
name = "imager"
password = "${hash}"
password_encrypted = true

[ssh]
enabled = true

[runcmd]
early = ["ln -sf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime"]
`,
  },
})

const own: Readonly<Record<Field['format'], Texts>> = {
  'cloud-init': {
    'user-data': `#cloud-config # by hand
bootcmd:
- [sh, -c, 'echo early >>/root/own']
runcmd: [[sh, -c, 'echo late >>/root/own']]
`,
  },
  firstrun: script(`trap 'echo late >>/root/own' EXIT
early() {
  if [ -e /boot/firmware/firstrun.sh ]; then
    rm -f /boot/firmware/firstrun.sh
    cat >>/root/own
  fi
}
early <<'END'
early
END
${cleanUp}`),
  'rpi-preseed': {
    'rpi-preseed.toml': `config_version = "1.0"

[runcmd]
early = ["echo early >>/root/own"]
late = ["echo late >>/root/own"]
`,
  },
}

/** The files of a boot partition that somebody has customised so, for a host of that name. */
export function bootFilesOf({ format, custom }: Pick<Field, 'format' | 'custom'>, name: string): Texts {
  const base = { ...fresh[format], ...(format === 'rpi-preseed' && { 'rpi-preseed.toml': 'config_version = "1.0"\n' }) }
  const more: Readonly<Record<Custom, Texts>> = {
    nothing: {},
    "Imager's files": byImager(name)[format],
    'userconf.txt': { 'userconf.txt': `imager:${hash}\n` },
    'own scripts': own[format],
    'Wi-Fi': {},
  }
  // A card of the lab finds its root without being told.
  return { ...base, 'cmdline.txt': `${kernel}\n`, ...more[custom] }
}

/** Shell that says what has become of it, and what it is to say. */
export const results: Readonly<Record<Custom, readonly [script: string, said: string]>> = {
  nothing: ['ls /root/own 2>/dev/null || echo none', 'none\n'],
  "Imager's files": [
    `readlink /etc/localtime; getent shadow imager | cut -d : -f 2`,
    `/usr/share/zoneinfo/Asia/Tokyo\n${hash}\n`,
  ],
  'userconf.txt': ['getent shadow imager | cut -d : -f 2; ls /boot/firmware | grep userconf', `${hash}\n`],
  // The late one waits for the network, and not for us.
  'own scripts': [
    'for try in $(seq 300); do grep -q late /root/own && break; sleep 0.1; done; sort -u /root/own',
    'early\nlate\n',
  ],
  'Wi-Fi': [
    `nmcli radio wifi; cat /var/lib/wifi-country; nmcli -t -f TYPE connection show | grep wireless`,
    'enabled\nJP\n802-11-wireless\n',
  ],
}
