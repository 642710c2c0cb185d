/** From where it is run, and whether ssh of that machine knows our own block. */
export interface Column {
  readonly name: string
  readonly from: 'lan' | 'guest'
  readonly block: boolean
}

export const columns: readonly Column[] = [
  { name: 'LAN', from: 'lan', block: false },
  { name: 'guest', from: 'guest', block: false },
  { name: 'LAN, own block', from: 'lan', block: true },
  { name: 'guest, own block', from: 'guest', block: true },
]
