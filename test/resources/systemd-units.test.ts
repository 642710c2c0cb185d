import { systemdUnits } from '../../src/resources/index.ts'
import { cases, gone } from './golden.ts'

const mark = '# provision k7w2m9qd'
const service = {
  name: 't-gw.service',
  content: `${mark}\n[Service]\nExecStart=/bin/sleep 1\n`,
  wantedBy: 'multi-user.target',
}
const check = { name: 't-gw-check.service', content: `${mark}\n[Service]\nExecStart=/bin/true\n` }
const timer = { name: 't-gw-check.timer', content: `${mark}\n[Timer]\nOnBootSec=1\n`, wantedBy: 'timers.target' }
const units = [service, check, timer]
const resource = systemdUnits('t-', units)

const file = (name: string, ...lines: string[]) =>
  [`@file ${name} f 644:root:root`, `@line ${name}:${mark}`, ...lines.map((line) => `@line ${name}:${line}`), ''].join(
    '\n',
  )
const byHand = (name: string, ...lines: string[]) => file(name, ...lines).replace(`@line ${name}:${mark}\n`, '')
const link = (target: string, name: string) => `@link ${target}.wants/${name} /etc/systemd/system/${name}\n`
const files = [
  file('t-gw-check.service', '[Service]', 'ExecStart=/bin/true'),
  file('t-gw-check.timer', '[Timer]', 'OnBootSec=1'),
].join('')
const own = file('t-gw.service', '[Service]', 'ExecStart=/bin/sleep 1')
const links = link('multi-user.target', 't-gw.service') + link('timers.target', 't-gw-check.timer')
const all = '@runs t-gw.service\n@runs t-gw-check.timer\n'

const tunnel = systemdUnits('t-', [
  {
    name: 't-gw.service',
    content: `${mark}\n[Unit]\nStartLimitIntervalSec=0\n\n[Service]\nExecStart=/bin/sleep \\\n  1\nRestart=always\nRestartSec=200ms\nLoadCredential=key:/etc/key\n`,
    wantedBy: 'multi-user.target',
  },
  check,
  timer,
])
const present = `${files}${file(
  't-gw.service',
  ...['[Unit]', 'StartLimitIntervalSec=0', '', '[Service]', 'ExecStart=/bin/sleep \\', '  1', 'Restart=always'],
  ...['RestartSec=200ms', 'LoadCredential=key:/etc/key'],
)}${links}@runs t-gw-check.timer\n`
const rows = (path: string, ...all: string[]) => all.map((each) => `@drop-in ${path}:${each}\n`).join('')
const override = (...all: string[]) => rows('/etc/systemd/system/t-gw.service.d/override.conf', ...all)
const limited = (seconds: number) =>
  rows('/etc/systemd/system/service.d/10-all.conf', `StartLimitInterval=${seconds}`, 'RestartSec=90')
const lxc = rows('/run/systemd/system/service.d/zzz-lxc-service.conf', 'LoadCredential=')
const ownDropIn = (...all: string[]) => rows('/etc/systemd/system/t-gw.service.d/zzzz-provision.conf', mark, ...all)

cases('systemd-units', {
  converged: { resource, now: files + own + links + all },
  absent: { resource, now: '' },
  changed: { resource, now: files + file('t-gw.service', '[Service]', 'ExecStart=/bin/old') + links + all },
  'what-others-start-is-stopped-when-it-changed': {
    resource,
    now: `${file('t-gw-check.service', 'old')}${file('t-gw-check.timer', '[Timer]', 'OnBootSec=1')}${own}${links}${all}`,
  },
  'stopped-and-disabled': {
    resource,
    now: `${files + own + link('timers.target', 't-gw-check.timer')}@runs t-gw-check.timer\n`,
  },
  'strays-are-stopped-and-removed': {
    resource: systemdUnits('t-', []),
    now: own + link('multi-user.target', 't-gw.service'),
  },
  'what-is-not-to-go-stays-enabled': {
    resource: systemdUnits('t-', [], { goes: ({ name }) => name === 't-old.service' }),
    now: own + file('t-old.service', 'old') + links + link('multi-user.target', 't-old.service'),
  },
  'somebody-elses-is-left-alone': {
    resource: systemdUnits('t-', []),
    now: byHand('t-web.service', '[Service]', 'ExecStart=/bin/web') + link('multi-user.target', 't-web.service'),
  },
  'somebody-elses-of-our-name-refused': {
    resource,
    now: byHand('t-gw.service', '[Service]', 'ExecStart=/bin/web') + link('multi-user.target', 't-gw.service'),
  },
  'somebody-elses-is-taken-over-on-purpose': {
    resource: systemdUnits('t-', units, { adopts: ['t-gw.service'] }),
    now: files + byHand('t-gw.service', '[Service]', 'ExecStart=/bin/web') + links + all,
  },
  'of-an-earlier-version-is-marked-and-not-restarted': {
    resource: systemdUnits('t-', units, { owns: () => true }),
    now: files + byHand('t-gw.service', '[Service]', 'ExecStart=/bin/sleep 1') + links + all,
  },
  'of-a-failed-host-stays-as-it-is': {
    resource: systemdUnits('t-', [{ ...service, content: () => undefined, host: 'gw' }]),
    now: file('t-gw.service', 'older') + link('multi-user.target', 't-gw.service') + all,
    seen: gone('gw'),
  },
  'of-a-failed-host-and-not-there': {
    resource: systemdUnits('t-', [{ ...service, content: () => undefined, host: 'gw' }]),
    now: '',
    seen: gone('gw'),
  },
  later: { resource: systemdUnits('t-', [{ ...service, content: () => undefined }]), now: '' },
  'a-link-refused': { resource, now: '@file t-gw.service l 777:root:root\n' },
  'masked-is-unmasked': {
    resource,
    now: `${files}@file t-gw.service l 777:root:root\n${links}@masked t-gw.service\n@runs t-gw-check.timer\n`,
  },
  'another-drop-in-converged': {
    resource: tunnel,
    now: `${present}@drop-in /etc/systemd/system/t-gw.service.d/override.conf:RestartSec=1\n${limited(0)}@runs t-gw.service\n`,
  },
  'a-drop-in-is-overruled-and-what-runs-goes-on': {
    resource: tunnel,
    now: `${present}${override('Restart=no')}${limited(60)}@runs t-gw.service\n`,
  },
  'a-drop-in-is-overruled-and-what-it-made-of-it-ends': {
    resource: tunnel,
    now: `${present}${lxc}${override('ExecStart=', 'ExecStart=/bin/true')}@runs t-gw.service\n`,
  },
  'overruled-converged': {
    resource: tunnel,
    now: `${present}${override('Restart=no')}${ownDropIn('Restart=always')}@runs t-gw.service\n`,
  },
  'overruled-with-what-ours-said-before': {
    resource: tunnel,
    now: `${present}${override('Restart=no', 'ExecStart=', 'ExecStart=/bin/true')}${ownDropIn('ExecStart=', 'ExecStart=/bin/sleep 9', 'Restart=always')}@runs t-gw.service\n`,
  },
  'nothing-to-overrule-any-more': {
    resource: tunnel,
    now: `${present}${ownDropIn('Restart=always')}@runs t-gw.service\n`,
  },
  'a-drop-in-that-hides-another-converged': {
    resource: tunnel,
    now: `${present}@mask /etc/systemd/system/service.d/zzz-lxc-service.conf\n${lxc}@runs t-gw.service\n`,
  },
  'a-drop-in-that-is-read-after-ours-refused': {
    resource: tunnel,
    now: `${present}${override('Restart=no').replace('override', 'zzzzz')}@runs t-gw.service\n`,
  },
  'a-drop-in-of-our-name-by-hand-refused': {
    resource: tunnel,
    now: `${present}${override('Restart=no').replace('override', 'zzzz-provision')}@runs t-gw.service\n`,
  },
  'a-drop-in-of-ours-goes-with-its-unit': {
    resource: systemdUnits('t-', []),
    now: `${present}${override('Restart=no')}${ownDropIn('Restart=always')}`,
  },
})
