import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcomes, picture, type Rehearsal, rehearse } from './kit.ts'
import { mustRun } from './must-run.ts'

// Gateways on which the tunnel's account cannot log in, whatever we write there: tried before the change is kept.

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal']
const { clients: _, ...pair } = picture
const dropIn = '/etc/ssh/sshd_config.d/10-policy.conf'
const sshd = (...lines: string[]) => ({
  odd: `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} >${dropIn}; systemctl reload ssh`,
  heal: `rm ${dropIn}; systemctl reload ssh`,
})
const pam = (line: string, more = ':') => ({
  odd: `cp /etc/pam.d/sshd /root/pam.sshd; sed -i '1i ${line}' /etc/pam.d/sshd; ${more}`,
  heal: 'mv /root/pam.sshd /etc/pam.d/sshd',
})

interface Odd {
  readonly odd: string
  readonly heal: string
  /** What the report has to say. */
  readonly says: readonly RegExp[]
}

const cases: Readonly<Record<string, Odd>> = {
  'AllowUsers names others': {
    ...sshd('AllowUsers user001 root'),
    says: [/not allowed because not listed in AllowUsers/, /AllowUsers user001 root \(\S+10-policy\.conf line 1\)/],
  },
  'AllowGroups names others': {
    ...sshd('# who may', 'AllowGroups user001 root sudo'),
    says: [/not allowed because none of user's groups are listed in AllowGroups/, /10-policy\.conf line 2\)/],
  },
  'keys of this type are not accepted': {
    ...sshd(
      'PubkeyAcceptedAlgorithms rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-nistp256',
      'Match User user001',
      'PubkeyAcceptedAlgorithms +ssh-ed25519',
    ),
    says: [/ssh-ed25519 not in PubkeyAcceptedAlgorithms/, /10-policy\.conf line 1\)/],
  },
  'nobody may forward': {
    ...sshd('Match User tunnel-*', 'DisableForwarding yes'),
    says: [
      /accepts the login of host-a\.lan\.internal, but opens no forward for it/,
      /DisableForwarding yes \(\S+10-policy\.conf line 2\)/,
    ],
  },
  'the folder of sshd is open to a group': {
    odd: 'chmod g+w /etc/ssh; chgrp adm /etc/ssh',
    heal: 'chmod g-w /etc/ssh; chgrp root /etc/ssh',
    says: [/bad ownership or modes for directory \/etc\/ssh/],
  },
  'PAM lets only some in': {
    ...pam(
      'account required pam_access.so',
      "cp /etc/security/access.conf /root/access; echo '-:ALL EXCEPT root user001:ALL' >/etc/security/access.conf",
    ),
    heal: 'mv /root/pam.sshd /etc/pam.d/sshd; mv /root/access /etc/security/access.conf',
    says: [/by PAM account configuration/],
  },
}

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(pair)
}, 300_000)
afterAll(() => it?.down())

const inside = (script: string) => mustRun(it.lab.machine(gateway), script)
/** What is there only where a tunnel could log in. */
const left =
  'getent passwd | grep ^tunnel- || :; ls -d /etc/ssh/sshd_config.d/00-reverse-tunnel.conf /etc/ssh/reverse-tunnel 2>/dev/null || :'
const log = 'journalctl -q --no-pager -t sshd -t sshd-session -t sshd-auth -n 60'
const apply = () => it.report([it.file], { timeoutMs: 240_000 })

describe('the gateway takes its change back, and the report names what refuses the tunnel', () => {
  test.each(Object.keys(cases))(
    '%s',
    async (name) => {
      const { odd, heal, says } = cases[name] as Odd
      await inside(odd)
      try {
        const { code, report, stderr } = await apply()
        const host = report.hosts.find((one) => one.name === gateway)
        expect({ code, outcome: host?.outcome }, stderr).toEqual({ code: 1, outcome: 'undone' })
        const said = `${host?.error?.message}\n${host?.error?.hint}`
        expect(said).toContain('a tunnel could not log in')
        for (const words of says) expect(said, await inside(log)).toMatch(words)
        expect(await inside(left)).toBe('')
        if (name === 'AllowUsers names others') {
          // What bans an address for five refused logins, as fail2ban does, has not seen so many.
          expect((await inside(log)).split('not allowed because').length - 1).toBeLessThan(3)
          await doctorKnows()
        }
        // The device has not begun to dial.
        const units = await it.lab.machine(device).sh('ls /etc/systemd/system | grep reverse-tunnel-ssh-gw')
        expect(units.stdout).toBe('')
      } finally {
        await inside(heal)
      }
    },
    300_000,
  )
})

/** The run that was undone is not what mends it: what undid it comes first. */
async function doctorKnows() {
  const { code, stdout } = await it.provision(['doctor', it.file, '--device', device])
  expect(code).toBe(1)
  expect(stdout).toMatch(
    / account .* has no account tunnel-\S+; the last run on ssh-gw\.guest\.internal was undone: a tunnel could not log in: .*AllowUsers user001 root \(/,
  )
  expect(stdout).toMatch(
    /\n {2}mend: first what was in the way of that run on ssh-gw\.guest\.internal; then provision /,
  )
}

test('on a gateway without all that the same run succeeds, and leaves nothing of the trial', async () => {
  const { code, report } = await apply()
  expect({ code, hosts: outcomes(report) }, JSON.stringify(report.hosts, undefined, 1)).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${device} changed`],
  })
  expect(await inside('find /run/reverse-tunnel -name trial')).toBe('')
  expect((await it.report(['verify', it.file])).code).toBe(0)
}, 300_000)
