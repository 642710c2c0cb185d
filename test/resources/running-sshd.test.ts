import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { noteInForce, nothingWaits, runningSshd } from '../../src/resources/running-sshd.ts'
import { cases } from './golden.ts'
import { observedSshd } from './sshd.ts'

cases('running-sshd', { converged: { resource: runningSshd, now: observedSshd() } })

/** What is written down of a configuration; `ETC` in it stands for /etc/ssh. */
function noted(files: Readonly<Record<string, string>>, links: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'provision-sshd-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text.replaceAll('ETC', folder))
    }
    for (const [name, to] of Object.entries(links)) symlinkSync(join(folder, to), join(folder, name))
    const script = noteInForce('ssh.service')
      .text.replaceAll('/etc/ssh', folder)
      .replaceAll('/var/lib/provision', folder)
    execFileSync('dash', ['-e'], { input: script, cwd: '/' })
    return readFileSync(join(folder, 'sshd-in-force'), 'utf8').replaceAll(folder, 'ETC')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('Include is followed as sshd follows it: patterns, quotes, =, relative, in included files, each file once', () => {
  const text = noted({
    sshd_config: [
      '# Include no.conf',
      'Include ETC/sshd_config.d/*.conf "ETC/with blanks/*" # two patterns',
      'include=more/a.conf',
      '\tINCLUDE\tmore/b.conf missing/*.conf',
      'Include more/a.conf',
      'UsePAM yes',
    ].join('\n'),
    'sshd_config.d/10-x.conf': 'Include "more/deeper.conf"\n',
    'sshd_config.d/README': 'Port 1\n',
    'with blanks/one': '# a comment\n\n   \nPort 2\n',
    'more/a.conf': 'Port 3\n',
    'more/b.conf': 'Port 4\n',
    'more/deeper.conf': 'Port 5\nInclude sshd_config.d/10-x.conf\n',
    'more/none.conf': 'Port 6\n',
  })
  expect(text).toMatchInlineSnapshot(`
    "@unit ssh.service
    ETC/sshd_config:Include ETC/sshd_config.d/*.conf "ETC/with blanks/*" # two patterns
    ETC/sshd_config:include=more/a.conf
    ETC/sshd_config:	INCLUDE	more/b.conf missing/*.conf
    ETC/sshd_config:Include more/a.conf
    ETC/sshd_config:UsePAM yes
    ETC/sshd_config.d/10-x.conf:Include "more/deeper.conf"
    ETC/with blanks/one:Port 2
    ETC/more/a.conf:Port 3
    ETC/more/b.conf:Port 4
    ETC/more/deeper.conf:Port 5
    ETC/more/deeper.conf:Include sshd_config.d/10-x.conf
    "
  `)
})

test('a run may be taken back while every file that sshd has not read says what it did at our last reload', () => {
  const folder = mkdtempSync(join(tmpdir(), 'provision-sshd-'))
  const run = (text: string) => {
    const input = text
      .replaceAll('/etc/ssh', folder)
      .replaceAll('/var/lib/provision', folder)
      .replaceAll('/run/sshd.pid', join(folder, 'pid'))
    return spawnSync('dash', ['-e'], { input, cwd: '/' })
  }
  const write = (text: string) => writeFileSync(join(folder, 'sshd_config'), text)
  const read = (seconds: number) => utimesSync(join(folder, 'pid'), seconds, seconds)
  try {
    writeFileSync(join(folder, 'pid'), '30\n')
    write('UsePAM yes\n')
    run(noteInForce('ssh.service').text)
    const [past, future] = [100, Date.now() / 1000 + 1000]
    const verdict = (text: string, at: number) => {
      write(text)
      read(at)
      const { status, stderr } = run(nothingWaits.text)
      return [status, stderr.toString().replace(folder, 'ETC')]
    }
    expect(verdict('UsePAM yes\nAllowUsers bob\n', future)).toEqual([0, ''])
    expect(verdict('# harmless\nUsePAM yes\n', past)).toEqual([0, ''])
    expect(verdict('UsePAM yes\nAllowUsers bob\n', past)).toEqual([
      1,
      expect.stringMatching(/^ETC\/sshd_config was changed and sshd has not read it since: /),
    ])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a link is read where it leads, a pattern without files and a quote without an end lead nowhere', () => {
  expect(
    noted({ sshd_config: 'Include d/*.conf "d/x\nPort 1\n', target: 'Port 2\n', 'd/y': '' }, { 'd/a.conf': 'target' }),
  ).toBe('@unit ssh.service\nETC/sshd_config:Include d/*.conf "d/x\nETC/sshd_config:Port 1\nETC/d/a.conf:Port 2\n')
})

test('a file that includes itself comes to an end, and nothing in a file is run', () => {
  expect(noted({ sshd_config: 'Include sshd_config $(touch ETC/x) `reboot` ;\n' })).toContain('@unit ssh.service\n')
  expect(noted({ sshd_config: '# nothing\n' })).toBe('@unit ssh.service\n')
})
