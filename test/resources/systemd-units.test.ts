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
  'masked-refused': { resource, now: '@file t-gw.service l 777:root:root\n' },
})
