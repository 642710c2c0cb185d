import { setPriority } from 'node:os'

// Of this process and all that it starts: others may measure seconds beside it.
setPriority(10)
