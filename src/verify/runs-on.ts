import type { Duplex } from 'node:stream'
import type { RunsOn } from '../report/report.ts'

/** What runs-on.sh printed; of what a host may send as much as a line of a table holds. */
export function parseRunsOn(text: string): RunsOn {
  const one = (name: string) => {
    const value = new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]
    return printable(value?.replace(/^(["'])(.*)\1$/, '$2'))
  }
  return some({ os: one('os'), kernel: one('kernel'), model: one('model') })
}

/** The software of its sshd, from the line that it sends first (RFC 4253, 4.2); the line stays there to be read. */
export function banner(stream: Duplex): RunsOn {
  const chunk: unknown = stream.read()
  if (!Buffer.isBuffer(chunk)) return {}
  stream.unshift(chunk)
  return some({ sshd: printable(/^SSH-[\d.]+-([^\r\n]+)/.exec(chunk.toString('latin1', 0, 255))?.[1]) })
}

function printable(text: string | undefined): string | undefined {
  return text?.replaceAll(/\p{C}/gu, '').trim().slice(0, 100) || undefined
}

function some(all: { readonly [Key in keyof RunsOn]: string | undefined }): RunsOn {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
