/**
 * No line of ours is a command to the CI that reads our log, whatever a host sent. GitHub's runner obeys
 * `::name …::` at the beginning of a line, spaces before it or not, and `##[name …]` anywhere in one; Azure Pipelines
 * `##vso[`, TeamCity `##teamcity[`. A space in between ends that, and nothing else is touched.
 */
export function inert(text: string): string {
  return text.replaceAll(/^(\s*):(?=:[a-z_-].*?::)/gim, '$1: ').replaceAll(/##(?=\[|vso\[|teamcity\[)/gi, '## ')
}

/**
 * What `--json` prints, with a line end; `indent` 0 is one line. Its values stay what they are, but none commands a CI,
 * for which a line of JSON never begins with a colon, and none a terminal: JSON escapes most of what does, these do the
 * rest.
 */
export function printJson(value: unknown, indent = 2): string {
  const json = JSON.stringify(value, undefined, indent)
  const harmless = json.replaceAll(/[\x7f-\x9f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
  return `${harmless.replaceAll(/##(?=\[|vso\[|teamcity\[)/gi, '#\\u0023')}\n`
}

/** No terminal control from the far side: everything below space but line ends and tabs. And no command to a CI. */
export function clean(text: string): string {
  return inert(text.replaceAll(/\r\n?/g, '\n').replaceAll(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, ''))
}
