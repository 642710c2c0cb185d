/** What can be imported. */
export const sources = ['ansible-ini', 'ansible-yaml', 'ssh-config', 'ssh-command'] as const

export type ImportSource = (typeof sources)[number]
