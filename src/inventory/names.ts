import { isIPv4, isIPv6 } from 'node:net'
import { show } from './messages.ts'

// Each function returns what is wrong, as the end of a sentence, or undefined. Names end up on command lines, in
// sshd_config and in unit files: what is refused here needs no quoting anywhere.

export function hostNameProblem(name: string): string | undefined {
  if (isIPv6(name)) return 'an IPv6 address cannot be a name: give the host a name, and write this as its "address"'
  return plainNameProblem(name)
}

/** A host name, an IPv4 or an IPv6 address, without brackets. */
export function addressProblem(address: string): string | undefined {
  if (isIPv6(address)) {
    return address.includes('%') ? `${show(address)} has a zone: leave out "%" and what follows` : undefined
  }
  if (/^[^@\s]+@[^@\s]+$/.test(address)) return `${show(address)} names a user too: write the user under "login"`
  if (/^\[[^\]]*\]$/.test(address)) return `${show(address)}: write an IPv6 address without brackets here`
  if (/^[A-Za-z0-9._-]+:\d+$/.test(address)) return `${show(address)} holds a port too: write it under its own key`
  const endsInNumber = /(^|\.)\d+\.?$/.test(address)
  if (endsInNumber && !isIPv4(address))
    return `${show(address)} is not a complete IPv4 address: write four numbers, 0 to 255`
  return plainNameProblem(address)
}

function plainNameProblem(name: string): string | undefined {
  if (name === '') return 'a host name cannot be empty'
  if (/[^A-Za-z0-9._-]/.test(name)) {
    return `${show(name)} is not a host name: use letters, digits, ".", "-" and "_" only`
  }
  if (/^[.-]/.test(name)) return `${show(name)} is not a host name: begin with a letter, a digit or "_"`
  if (name.length > 253) return `${show(name)} is too long for a host name: use at most 253 characters`
  return undefined
}

/** An account that provision may create: the rule of Debian's useradd. */
export function accountProblem(name: string): string | undefined {
  if (/^[a-z_][a-z0-9_-]*[$]?$/.test(name) && name.length <= 32) return undefined
  const why = name.length > 32 ? 'is too long for an account name: use at most 32' : 'is not an account name: use'
  return `${show(name)} ${why} lower-case letters, digits, "-" and "_", beginning with a letter`
}

/** An account that is there already: directories hand out capitals and dots. */
export function loginUserProblem(name: string): string | undefined {
  if (/^[A-Za-z_][A-Za-z0-9_.-]*[$]?$/.test(name) && name.length <= 32) return undefined
  return `${show(name)} is not a user name: use letters, digits, ".", "-" and "_", at most 32, beginning with a letter`
}

export function portProblem(port: number): string | undefined {
  if (port === 0) return 'port 0 means a different port at every start: write one from 1 to 65535'
  if (Number.isInteger(port) && port > 0 && port <= 65535) return undefined
  return `${port} is not a port: write one from 1 to 65535`
}

/** What `~/` and relative paths become, or a problem. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'the path is empty: leave the key out instead'
  if (isControl(path)) return `${show(path)} is not a path: write the path of a file, on one line`
  if (/^~[^/]/.test(path)) return `${show(path)}: only "~/", your own home, is understood: write the full path`
  return undefined
}

export function isControl(text: string): boolean {
  return /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text)
}
