import { InventoryError } from '../../errors.ts'
import { addressProblem, hostNameProblem, loginUserProblem, portProblem } from '../names.ts'
import { readPorts } from '../read/ports.ts'

/** What a first inventory is made of. */
export interface Answers {
  readonly gateway: string
  readonly device: string
  readonly ports: string
  /** Empty: as ssh has it. */
  readonly user: string
  /** `address` or `address:port`; empty: where you reach it, too. */
  readonly dial: string
}

interface Question {
  readonly text: string
  /** What is meant by no answer; undefined: there has to be one. */
  readonly otherwise?: string
  /** What is wrong with an answer. */
  readonly problem: (answer: string) => string | undefined
}

const questions: Readonly<Record<keyof Answers, Question>> = {
  gateway: {
    text: 'The gateway, which everybody can reach, by the name that you give to ssh (such as ssh-gw.guest.internal): ',
    problem: hostNameProblem,
  },
  dial: {
    text: 'The address at which devices reach the gateway, with :PORT where that is not 22 (empty: the same as yours): ',
    otherwise: '',
    problem: dialProblem,
  },
  device: {
    text: 'The first device, which cannot be reached directly (such as host-a.lan.internal): ',
    problem: hostNameProblem,
  },
  ports: {
    text: 'The ports of the gateway that lead to devices; the first one leads to this device (empty: 9022-9999): ',
    otherwise: '9022-9999',
    problem: portsProblem,
  },
  user: {
    text: 'The user to log in as, on both machines (empty: the one that ssh uses): ',
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
    const wrong = answer === undefined ? undefined : problem(answer)
    if (wrong !== undefined) throw new InventoryError(`--${name}: ${wrong}`)
  }
  const enough = given.gateway !== undefined && given.device !== undefined
  if (!enough && ask === undefined) {
    const options = (['gateway', 'device'] as const).filter((name) => given[name] === undefined)
    const hint = `add ${options.map((name) => `--${name} NAME`).join(' and ')}; --dial, --ports and --user are optional`
    throw new InventoryError('there is no terminal to ask on', hint)
  }
  const answer = async (name: keyof Answers) => given[name] ?? (enough || !ask ? otherwise(name) : asked(name, ask))
  return {
    gateway: await answer('gateway'),
    dial: await answer('dial'),
    device: await answer('device'),
    ports: await answer('ports'),
    user: await answer('user'),
  }
}

function otherwise(name: keyof Answers): string {
  return questions[name].otherwise ?? ''
}

async function asked(name: keyof Answers, ask: Ask): Promise<string> {
  const question = questions[name]
  for (let wrong: string | undefined; ; ) {
    const line = await ask(question.text, wrong)
    if (line === undefined) throw new InventoryError('not all questions were answered', 'nothing was written')
    const answer = line.trim() || question.otherwise
    wrong = answer === undefined ? 'an answer is needed here' : question.problem(answer)
    if (answer !== undefined && wrong === undefined) return answer
  }
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
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(text) ?? []
  const address = bracketed ?? plain ?? text.replace(/^\[(.*)\]$/, '$1')
  return port === undefined ? { address } : { address, port: Number(port) }
}

/** The text of a first inventory, with a comment where there is more to say. */
export function firstInventory({ gateway, device, ports, user, dial }: Answers): string {
  const read = readPorts(ports)
  const port = 'range' in read ? read.range.first : 0
  const { address, port: dialled } = dialOf(dial)
  const place = [`"address": ${JSON.stringify(address)}`, ...(dialled === undefined ? [] : [`"port": ${dialled}`])]
  const elsewhere = dial === '' ? '' : `, "dial": { ${place.join(', ')} }`
  return [
    '// An editor that reads "$schema" explains every key while you type.',
    '{',
    '  "$schema": "./schema.json",',
    ...(user === '' ? [] : [`  "login": { "user": ${JSON.stringify(user)} },`]),
    '',
    '  "gateways": {',
    `    // Of these ports \`provision add\` takes the first that is free, for each new device.`,
    `    ${JSON.stringify(gateway)}: { "ports": ${JSON.stringify(ports)}${elsewhere} },`,
    '  },',
    '',
    '  "devices": {',
    `    // Whoever connects to port ${port} on the gateway reaches port 22 of this device.`,
    `    ${JSON.stringify(device)}: { "forwards": ["127.0.0.1:${port}:localhost:22"] },`,
    '  },',
    '}',
    '',
  ].join('\n')
}
