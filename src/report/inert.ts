/**
 * No line of ours is a command to the CI that reads our log, whatever a host made us repeat. GitHub's runner obeys
 * `::name …::` at the beginning of a line, spaces before it or not, and `##[name …]` anywhere in one; Azure Pipelines
 * `##vso[`, TeamCity `##teamcity[`. A space in between ends that, and nothing else is touched.
 */
export function inert(text: string): string {
  return text.replaceAll(/^(\s*):(?=:[a-z_-].*?::)/gim, '$1: ').replaceAll(/##(?=\[|vso\[|teamcity\[)/gi, '## ')
}

/** The same for a JSON document, whose values stay what they are. A line of it never begins with a colon. */
export function inertJson(json: string): string {
  return json.replaceAll(/##(?=\[|vso\[|teamcity\[)/gi, '#\\u0023')
}
