import bash from './completion.bash'
import fish from './completion.fish'
import zsh from './completion.zsh'

/** What a shell reads once; from then on it asks `provision complete` for each word. */
export const scripts = { bash, zsh, fish } as const
