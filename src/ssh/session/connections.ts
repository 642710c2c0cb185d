import { setMaxListeners } from 'node:events'

/** Everything that is open on the wire, or on its way to be: what a command ends when its report is out. */
export interface Connections {
  /** Aborted when all is to end: nothing is opened from then on. */
  readonly ended: AbortSignal
  /**
   * Remembers how to close something, from before it is open until it is gone: the function returned forgets it. What
   * comes after the end is closed at once.
   */
  hold(close: () => void): () => void
  /** Ends all of it. Once is enough: what is opened afterwards is closed, too. */
  closeAll(): void
}

export function connections(): Connections {
  const controller = new AbortController()
  // Every connection under way listens to it.
  setMaxListeners(0, controller.signal)
  const open = new Set<() => void>()
  return {
    ended: controller.signal,
    hold(close) {
      if (controller.signal.aborted) {
        close()
        return () => undefined
      }
      // Each its own, though two may be closed by the same function.
      const held = () => close()
      open.add(held)
      return () => void open.delete(held)
    },
    closeAll() {
      controller.abort()
      // The newest first: what goes through others says goodbye before these do.
      const last = [...open].reverse()
      open.clear()
      const faults = last.flatMap((close) => faultOf(close))
      if (faults.length > 0) throw faults[0]
    },
  }
}

/** What is thrown by one that is closed must not keep the others open. */
function faultOf(close: () => void): unknown[] {
  try {
    close()
    return []
  } catch (error) {
    return [error]
  }
}

/** One thing that is being opened: given up with its own signal, and when all is to end. */
export interface Undertaking {
  readonly signal: AbortSignal
  /** It is open, or never will be. */
  done(): void
}

export function undertaking({ hold }: Connections, signal: AbortSignal | undefined): Undertaking {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  const stop = () => controller.abort()
  const forget = hold(stop)
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop, { once: true })
  return {
    signal: controller.signal,
    done() {
      forget()
      signal?.removeEventListener('abort', stop)
    },
  }
}
