import { systemdUnits } from '../../src/resources/index.ts'
import { cases, gone } from './golden.ts'

const service = { name: 't-gw.service', content: '[Service]\nExecStart=/bin/sleep 1\n', wantedBy: 'multi-user.target' }
const check = { name: 't-gw-check.service', content: '[Service]\nExecStart=/bin/true\n' }
const timer = { name: 't-gw-check.timer', content: '[Timer]\nOnBootSec=1\n', wantedBy: 'timers.target' }
const resource = systemdUnits('t-', [service, check, timer])

const file = (name: string, ...lines: string[]) =>
  [`@file ${name} f 644:root:root`, ...lines.map((line) => `@line ${name}:${line}`), ''].join('\n')
const link = (target: string, name: string) => `@link ${target}.wants/${name} /etc/systemd/system/${name}\n`
const files = [
  file('t-gw-check.service', '[Service]', 'ExecStart=/bin/true'),
  file('t-gw-check.timer', '[Timer]', 'OnBootSec=1'),
].join('')
const own = file('t-gw.service', '[Service]', 'ExecStart=/bin/sleep 1')
const links = link('multi-user.target', 't-gw.service') + link('timers.target', 't-gw-check.timer')
const all = '@runs t-gw.service\n@runs t-gw-check.timer\n'

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
  'what-is-spared-stays-enabled': {
    resource: systemdUnits('t-', [], { spares: (text) => text.includes('sleep 1') }),
    now: own + file('t-old.service', 'old') + links + link('multi-user.target', 't-old.service'),
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
  'masked-refused': { resource, now: '@file t-gw.service l 777:root:root\n' },
})
