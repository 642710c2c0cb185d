import { InventoryError } from '../../errors.ts'
import { addressAndPort } from '../addresses.ts'
import { addressProblem, hostNameProblem, loginUserProblem, portProblem } from '../names.ts'
import { readPorts } from '../read/ports.ts'

/** What a first inventory is made of. */
export interface Answers {
  /** As people say it to ssh: `[USER@]NAME[:PORT]`. */
  readonly gateway: string
  /** The same. */
  readonly device: string
  readonly ports: string
  /** Of hosts that do not say it; empty: as ssh has it. */
  readonly user: string
  /** `address` or `address:port`; empty: where you reach it, too. */
  readonly dial: string
}

interface Question {
  readonly text: string
  /** What is meant by no answer, and by a no; undefined: there has to be one. */
  readonly otherwise?: string
  /** What is wrong with an answer, and with it beside those that were given before. */
  readonly problem: (answer: string, before: Partial<Answers>) => string | undefined
}

const questions: Readonly<Record<keyof Answers, Question>> = {
  gateway: {
    text: 'The gateway is the machine that everybody can reach. How do you log in to it? Such as root@vps.example.org:2222',
    problem: loginProblem,
  },
  dial: {
    text: 'Do devices reach the gateway at another address or port than you? Such as 203.0.113.5:2222; empty or n: no',
    otherwise: '',
    problem: dialProblem,
  },
  device: {
    text: 'The first device is a machine that nobody can call. How do you log in to it, when you are beside it? Such as pi@pi1.home',
    problem: (answer, { gateway = '' }) =>
      loginProblem(answer) ??
      (loginOf(answer).name === loginOf(gateway).name ? 'that is the gateway: a device is another machine' : undefined),
  },
  ports: {
    text: 'Which ports of the gateway may lead to devices? The first of them leads to this device; empty: 9022-9999',
    otherwise: '9022-9999',
    problem: portsProblem,
  },
  user: {
    text: 'As which user do you log in, where you have not said it? Empty: as the one that ssh uses',
    otherwise: '',
    problem: (user) => (user === '' ? undefined : loginUserProblem(user)),
  },
}

/**
 * One line from whoever is asked; undefined: there is none any more. `problem`: what was wrong with the last answer.
 */
export type Ask = (text: string, problem?: string) => Promise<string | undefined>

/**
 * From what is given, where that is enough; else each that is not given is asked for, until the answer is valid.
 * @throws InventoryError for an answer that is not valid, and for one that is missing where nobody can be asked
 */
export async function answersTo(given: Partial<Answers>, ask: Ask | undefined): Promise<Answers> {
  for (const [name, { problem }] of Object.entries(questions)) {
    const answer = given[name as keyof Answers]
    const wrong = answer === undefined ? undefined : problem(answer, given)
    if (wrong !== undefined) throw new InventoryError(`--${name}: ${wrong}`)
  }
  const enough = given.gateway !== undefined && given.device !== undefined
  if (!enough && ask === undefined) {
    const options = (['gateway', 'device'] as const).filter((name) => given[name] === undefined)
    const hint = `add ${options.map((name) => `--${name} NAME`).join(' and ')}; --dial, --ports and --user are optional`
    throw new InventoryError('there is no terminal to ask on', hint)
  }
  const answers: Record<keyof Answers, string> = { gateway: '', dial: '', device: '', ports: '', user: '' }
  for (const name of ['gateway', 'dial', 'device', 'ports', 'user'] as const) {
    const isAsked = !enough && ask !== undefined && !(name === 'user' && saysUsers(answers))
    answers[name] = given[name] ?? (isAsked ? await asked(name, answers, ask) : (questions[name].otherwise ?? ''))
  }
  return answers
}

const saysUsers = ({ gateway, device }: Answers) =>
  [gateway, device].every((answer) => loginOf(answer).user !== undefined)

async function asked(name: keyof Answers, before: Partial<Answers>, ask: Ask): Promise<string> {
  const question = questions[name]
  for (let wrong: string | undefined; ; ) {
    const line = await ask(question.text, wrong)
    if (line === undefined) throw new InventoryError('not all questions were answered', 'nothing was written')
    const isNo = /^(no?|none|-)?$/i.test(line.trim())
    const answer = isNo ? question.otherwise : line.trim()
    wrong = answer === undefined ? 'an answer is needed here' : question.problem(answer, before)
    if (answer !== undefined && wrong === undefined) return answer
  }
}

/** What people say to ssh: `root@vps:2222`, also with `ssh` before it, or with `-p 2222`. */
function loginOf(text: string): { readonly user?: string; readonly name: string; readonly port?: number } {
  const option = /(?:^|\s)-p\s*(\d+)/
  const place = text
    .replace(/^ssh\s+/, '')
    .replace(option, '')
    .trim()
  const [, user, rest = place] = /^(?:([^@]*)@)?(.*)$/.exec(place) ?? []
  const { address: name = rest, port = option.exec(text)?.[1] } = addressAndPort(rest) ?? {}
  return { name, ...(user !== undefined && { user }), ...(port !== undefined && { port: Number(port) }) }
}

function loginProblem(text: string): string | undefined {
  const { user, name, port } = loginOf(text)
  return (
    (user === undefined ? undefined : loginUserProblem(user)) ??
    hostNameProblem(name) ??
    (port === undefined ? undefined : portProblem(port))
  )
}

function portsProblem(text: string): string | undefined {
  const read = readPorts(text)
  return 'problem' in read ? read.problem : undefined
}

function dialProblem(text: string): string | undefined {
  if (text === '') return undefined
  const { address, port } = dialOf(text)
  return addressProblem(address) ?? (port === undefined ? undefined : portProblem(port))
}

/** `[2001:db8::1]:2222`, `2001:db8::1`, `gw.lan:2222`. */
function dialOf(text: string): { readonly address: string; readonly port?: number } {
  return addressAndPort(text) ?? { address: text.replace(/^\[(.*)\]$/, '$1') }
}

/** The text of a first inventory, with a comment where there is more to say. */
export function firstInventory({ gateway, device, ports, user, dial }: Answers): string {
  const [outer, inner] = [loginOf(gateway), loginOf(device)]
  const common = user || (outer.user === inner.user ? (outer.user ?? '') : '')
  const read = readPorts(ports)
  const port = 'range' in read ? read.range.first : 0
  const login = (name: string) => `"login": { "user": ${JSON.stringify(name)} }`
  const own = (host: ReturnType<typeof loginOf>) => [
    ...(host.port === undefined ? [] : [`"port": ${host.port}`]),
    ...(host.user === undefined || host.user === common ? [] : [login(host.user)]),
  ]
  const { address, port: dialled } = dialOf(dial)
  const place = [`"address": ${JSON.stringify(address)}`, ...(dialled === undefined ? [] : [`"port": ${dialled}`])]
  const ofGateway = [
    ...own(outer),
    `"ports": ${JSON.stringify(ports)}`,
    ...(dial === '' ? [] : [`"dial": { ${place.join(', ')} }`]),
  ]
  const ofDevice = [...own(inner), `"forwards": ["127.0.0.1:${port}:localhost:${inner.port ?? 22}"]`]
  return [
    '// An editor that reads "$schema" explains every key while you type.',
    '{',
    '  "$schema": "./schema.json",',
    ...(common === '' ? [] : [`  ${login(common)},`]),
    '',
    '  "gateways": {',
    `    // Of these ports \`provision add\` takes the first that is free, for each new device.`,
    `    ${JSON.stringify(outer.name)}: { ${ofGateway.join(', ')} },`,
    '  },',
    '',
    '  "devices": {',
    `    // Whoever connects to port ${port} on the gateway reaches port ${inner.port ?? 22} of this device.`,
    `    ${JSON.stringify(inner.name)}: { ${ofDevice.join(', ')} },`,
    '  },',
    '}',
    '',
  ].join('\n')
}
