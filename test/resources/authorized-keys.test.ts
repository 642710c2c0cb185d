import { authorizedKeys } from '../../src/resources/index.ts'
import { cases, gone, nothing, shown } from './golden.ts'

const A = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAaaa'
const B = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBbbb'
const C = 'ecdsa-sha2-nistp256 AAAAE2VjZHNhCccc='
const SK = 'sk-ssh-ed25519@openssh.com AAAAGnNrDddd'
const home = '/home/user002/.ssh/authorized_keys'
const file = (...lines: string[]) => `file 600 user002 user002\n${lines.map((line) => `${line}\n`).join('')}`
const inHome = (...lines: string[]) => `${home}\n${file(...lines)}`

const add = authorizedKeys('user002', { keys: [{ key: A, comment: 'user002@laptop' }] })
const only = authorizedKeys('user002', { keys: [{ key: A, comment: 'user002@laptop' }], exclusive: true })
const options = 'restrict,port-forwarding,permitlisten="127.0.0.1:9022"'
const gatewayFile = '/etc/ssh/reverse-tunnel/authorized_keys'
const ofDevices = authorizedKeys('tunnel', {
  file: gatewayFile,
  exclusive: true,
  keys: ['host-a', 'host-b'].map((host) => ({
    host,
    comment: host,
    options,
    key: (seen) => seen.of(host, 'key'),
  })),
})
const rooted = (...lines: string[]) => `file 644 root root\n${lines.map((line) => `${line}\n`).join('')}`

const mark = { inventory: 'k7w2m9qd' }
const marked = (keys: { key: string; comment?: string; options?: string }[], exclusive = false) =>
  authorizedKeys('user002', { keys, exclusive, mark, host: 'gw' })
const alice = { key: A, comment: 'alice@laptop' }
const as = (user: string, own = B) => ({
  ...nothing,
  login: () => ({ user, isKey: (blob: string) => own.endsWith(blob) }),
})

cases('authorized-keys', {
  'marked-absent-file': { resource: marked([alice]), now: `${home}\nabsent\n` },
  'marked-converged': {
    resource: marked([alice]),
    now: inHome(`${A} alice@laptop provision k7w2m9qd`, `${B} bob@laptop`, `${C} carol provision zzzz2222`),
  },
  'marked-leaver-goes': {
    resource: marked([alice]),
    now: inHome(
      '# mine',
      `${A} alice@laptop provision k7w2m9qd`,
      `no-pty ${B} bob@laptop provision k7w2m9qd`,
      `${C} carol provision zzzz2222`,
      `${SK} of a device provision k7w2m9qd host-a`,
      'provision k7w2m9qd',
    ),
  },
  'converged-unmarked-key-of-others-stays-unmarked': { resource: marked([alice]), now: inHome(`${A} alice`) },
  'unmarked-key-gets-other-options-and-no-mark': {
    resource: marked([{ ...alice, options: 'no-pty' }]),
    now: inHome(`${A} alice`),
  },
  'marked-key-gets-other-options': {
    resource: marked([{ ...alice, options: 'no-pty' }]),
    now: inHome(`${A} alice@laptop provision k7w2m9qd`),
  },
  'mark-of-an-inventory-that-had-none-yet': {
    resource: marked([alice]),
    now: inHome(`no-pty ${A} alice at home provision -`, `${B} bob provision -`),
  },
  'mark-of-another-inventory-is-not-taken-where-there-is-none': {
    resource: authorizedKeys('user002', { keys: [alice], mark: { inventory: '-' } }),
    now: inHome(`${B} bob provision zzzz2222`, `${C} carol provision -`),
  },
  'the-key-of-this-run-refused': {
    resource: marked([alice]),
    now: inHome(`${A} alice@laptop`, `${B} admin@desk provision k7w2m9qd`),
    seen: as('user002'),
  },
  'the-key-of-this-run-refused-when-exclusive': {
    resource: marked([alice], true),
    now: inHome(`${A} alice@laptop`, `${B} admin@desk`),
    seen: as('user002'),
  },
  'the-last-key-of-who-logs-in-refused': {
    resource: marked([], true),
    now: inHome(`${A} alice@laptop`),
    seen: { ...nothing, login: () => ({ user: 'user002' }) },
  },
  'the-last-key-of-somebody-else-goes': {
    resource: marked([], true),
    now: inHome(`${A} alice@laptop`),
    seen: as('root'),
  },
  converged: { resource: add, now: inHome(`${A} user002@laptop`) },
  'converged-with-foreign-options-and-comment': {
    resource: add,
    now: inHome(`from="10.0.0.0/8, ::1",no-pty ${A} somebody's own words`),
  },
  'absent-file': { resource: add, now: `${home}\nabsent\n` },
  'absent-account': { resource: add, now: '\nabsent\n' },
  'added-to-foreign-lines': {
    resource: add,
    now: inHome('# mine, do not touch', '', `command="echo \\"a b\\"" ${B} b`, `${C}`, 'rubbish'),
  },
  'exclusive-takes-others-away': {
    resource: only,
    now: inHome('# mine, do not touch', '', `no-pty ${B} b`, `${A} user002@laptop`, `${SK} token`),
  },
  'exclusive-and-empty': {
    resource: authorizedKeys('user002', { keys: [], exclusive: true }),
    now: inHome(`${A} a`),
  },
  'nothing-wanted-of-an-absent-file': {
    resource: authorizedKeys('user002', { keys: [] }),
    now: `${home}\nabsent\n`,
  },
  'last-line-without-end': { resource: add, now: `${home}\nfile 600 user002 user002\n${B} b` },
  'other-options': {
    resource: authorizedKeys('user002', { keys: [{ key: A, options: 'no-pty', comment: 'new' }] }),
    now: inHome(`restrict ${A} old`, `${B} b`),
  },
  'rights-of-an-existing-file-stay': { resource: add, now: `${home}\nfile 644 user002 staff\n${B} b\n` },
  'symlink-refused': { resource: add, now: `${home}\nother symbolic link\n` },
  'no-sshd-refused': { resource: add, now: '' },
  'own-file-converged': {
    resource: ofDevices,
    now: rooted(`${options} ${A} host-a`, `${options} ${B} host-b`),
    seen: shown({ 'host-a key': A, 'host-b key': B }),
  },
  'own-file-absent': { resource: ofDevices, now: 'absent\n', seen: shown({ 'host-a key': A, 'host-b key': B }) },
  'new-key-of-a-device': {
    resource: ofDevices,
    now: rooted(`${options} ${A} host-a`, `${options} ${B} host-b`),
    seen: shown({ 'host-a key': A, 'host-b key': C }),
  },
  later: { resource: ofDevices, now: 'absent\n', seen: shown({ 'host-a key': A }) },
  'lines-of-a-gone-host-stay': {
    resource: ofDevices,
    now: rooted(`${options} ${A} host-a`, `${options} ${B} host-b`, `${options} ${C} host-c`),
    seen: { ...gone('host-b'), of: (host) => (host === 'host-a' ? A : undefined) },
  },
  'gone-host-that-never-was': {
    resource: ofDevices,
    now: rooted(`${options} ${A} host-a`),
    seen: { ...gone('host-b'), of: (host) => (host === 'host-a' ? A : undefined) },
  },
})
