import type { OptionShape, Positional } from './shape.ts'

/** What stands for a value in the help, and what a shell offers for it. */
export interface Value {
  readonly placeholder: string
  readonly offers: 'file' | 'folder' | 'host' | 'device' | 'gateway' | 'client' | 'group' | 'host or group' | 'nothing'
}

const file: Value = { placeholder: 'FILE', offers: 'file' }
const folder: Value = { placeholder: 'FOLDER', offers: 'folder' }
const device: Value = { placeholder: 'DEVICE', offers: 'device' }
const gateway: Value = { placeholder: 'GATEWAY', offers: 'gateway' }
const host: Value = { placeholder: 'HOST', offers: 'host' }
const seconds: Value = { placeholder: 'SECONDS', offers: 'nothing' }
const plain = (placeholder: string): Value => ({ placeholder, offers: 'nothing' })

/** By the name of an option or of a word, wherever it occurs; another one is a plain VALUE. */
const values: Readonly<Record<string, Value>> = {
  inventory: { placeholder: 'INVENTORY', offers: 'file' },
  plan: { placeholder: 'PLAN', offers: 'file' },
  file,
  files: file,
  limit: { placeholder: 'NAME', offers: 'host or group' },
  device,
  'step-aside': device,
  old: { placeholder: 'OLD', offers: 'device' },
  new: plain('NEW'),
  names: plain('NAME'),
  name: host,
  from: host,
  'accept-new-host-key': host,
  gateway,
  'host-key': gateway,
  'spare-host-key': gateway,
  client: { placeholder: 'CLIENT', offers: 'client' },
  on: gateway,
  key: file,
  group: { placeholder: 'GROUP', offers: 'group' },
  out: file,
  junit: file,
  metrics: file,
  html: file,
  playbook: file,
  resume: file,
  image: file,
  'keep-identity': file,
  boot: folder,
  output: folder,
  seed: folder,
  timeout: seconds,
  wait: seconds,
  interval: seconds,
  'confirm-within': seconds,
  'network-seconds': seconds,
  'valid-hours': plain('HOURS'),
  forks: plain('N'),
  shard: plain('I/N'),
  run: plain('RUN'),
  only: plain('FAULTS'),
  adopt: plain('NAME'),
  to: plain('HOST:PORT'),
  address: plain('ADDRESS'),
  dial: plain('ADDRESS[:PORT]'),
  ports: plain('PORTS'),
  user: plain('USER'),
  skip: plain('NAME'),
  host,
  page: { placeholder: 'NAME[:PORT]', offers: 'host' },
  port: plain('PORT'),

  suite: plain('RELEASE'),
  'sudo-password': plain('PASSWORD'),
  shell: plain('SHELL'),
  command: plain('COMMAND'),
  places: file,
  every: seconds,
  state: folder,
  listen: plain('ADDRESS:PORT'),
  token: plain('PLACE'),
  since: plain('TIME'),
  with: file,
}

export function valueFor({
  name,
  choices,
}: Pick<OptionShape, 'name'> & { readonly choices?: readonly string[] }): Value {
  if (choices?.length) return plain(choices.join('|'))
  return values[name] ?? plain('VALUE')
}

/** `[INVENTORY]`, `NAME…`. The inventory can be left out wherever it is asked for. */
export function wordAsTyped({ name, required, many }: Positional): string {
  const typed = `${valueFor({ name }).placeholder}${many ? '…' : ''}`
  return required && name !== 'inventory' ? typed : `[${typed}]`
}
