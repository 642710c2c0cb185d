import type { Duplex } from 'node:stream'

export type Greeting = 'speaks' | 'closed' | 'silence'

/** Does the far side send something first? What it sent is put back, for whoever reads next. */
export function firstBytes(stream: Duplex, withinMs: number): Promise<Greeting> {
  return new Promise((resolve) => {
    const settle = (greeting: Greeting) => {
      clearTimeout(timer)
      stream.off('readable', readable).off('end', closed).off('close', closed).off('error', closed)
      if (greeting !== 'speaks') stream.on('error', () => {})
      resolve(greeting)
    }
    const readable = () => {
      const chunk: unknown = stream.read()
      if (chunk === null) return
      stream.unshift(chunk)
      settle('speaks')
    }
    const closed = () => settle('closed')
    const timer = setTimeout(() => settle('silence'), withinMs)
    stream.on('readable', readable).on('end', closed).on('close', closed).on('error', closed)
  })
}
