import type { ProofReport } from './report.ts'

/**
 * Of several of a kind, those that hold are one line, and so are those that were not tried for one and the same
 * reason.
 */
export function folded(proofs: readonly ProofReport[]): ProofReport[] {
  const groups = new Map<string, readonly ProofReport[]>()
  for (const proof of proofs) {
    const { host, of, state, error } = proof
    const alike = of && state !== 'fails' ? [host, of, state, error?.message].join('\n') : String(groups.size)
    groups.set(alike, [...(groups.get(alike) ?? []), proof])
  }
  return [...groups.values()].flatMap(([first, ...others]) => {
    if (!first || others.length === 0) return first ?? []
    return { ...first, what: `${others.length + 1} ${first.of}${first.state === 'holds' ? ' were refused' : ''}` }
  })
}
