import { setMaxListeners } from 'node:events'
import { RemoteError } from '../../errors.ts'

/** A Ctrl-C, or a SIGTERM. */
export interface Interrupt {
  readonly signal: AbortSignal
  /** From then on both do again what they do by themselves. */
  done(): void
}

/** The first one is told by the signal, and by `told`; the second one leaves at once. */
export function onInterrupt(told: () => void): Interrupt {
  const controller = new AbortController()
  // Every login under way listens to it.
  setMaxListeners(0, controller.signal)
  const handler = () => {
    if (controller.signal.aborted) process.exit(130)
    told()
    controller.abort(new RemoteError('lost', 'interrupted'))
  }
  process.on('SIGINT', handler).on('SIGTERM', handler)
  return { signal: controller.signal, done: () => void process.off('SIGINT', handler).off('SIGTERM', handler) }
}
