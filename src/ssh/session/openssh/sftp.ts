/** One line for `sftp -b`. sftp(1) takes quotes, spaces and wildcards for itself, so each is escaped. */
export function batch(how: 'put' | 'get', from: string, to: string): string {
  return `${how} ${word(from)} ${word(to)}\n`
}

/** @throws RangeError for a line end, which no word of a batch file can hold */
function word(path: string): string {
  if (/[\n\0]/.test(path)) throw new RangeError('a path for sftp cannot hold a line end')
  return path.replaceAll(/[^\w/.\-\u0080-\uffff]/g, '\\$&')
}
