/** What sets the host name in a script or a list of commands: by its words, wherever they stand in the text. */
const sep = String.raw`[\s,'"\[\]]+`
const word = String.raw`('[^']*'|"[^"]*"|[^\s;|&<>'",)\]]+)`
const setters = [
  String.raw`\bimager_custom${sep}set_hostname${sep}${word}`,
  String.raw`\bdo_hostname${sep}${word}`,
  String.raw`\bhostnamectl${sep}(?:--?[\w-]+(?:=\S+)?${sep})*(?:set-hostname|hostname)${sep}(?:--?[\w-]+${sep})*${word}`,
  String.raw`\b(?:echo|printf)\s+(?:-\w+\s+|'%s(?:\\n)?'\s+|"%s(?:\\n)?"\s+)*${word}\s*(?:>\s*|\|\s*(?:sudo\s+)?tee\s+)["']?\/etc\/hostname\b`,
].map((source) => new RegExp(source))
/** It writes the file, in words that say nothing of the name. */
const writes = /(?:>\s*|\b(?:tee|cp|mv|install|sed|ln)\b[^|;#]*\s|\bpath:\s*)["']?\/etc\/hostname\b/

/**
 * Where the text gives the device another name than the inventory, or one that cannot be told here; `where`: the file.
 */
export function hostNamesIn(where: string, text: string, wanted: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    if (/^\s*#/.test(line)) return []
    const found = setters.map((setter) => setter.exec(line)?.[1]).find((name) => name !== undefined)
    if (found === undefined) return writes.test(line) ? [`${where} writes /etc/hostname (line ${index + 1})`] : []
    const name = literal(found, text)
    if (name === undefined)
      return [`${where} sets a host name that is not known before the first boot (line ${index + 1})`]
    if (name.split('.', 1)[0] === wanted) return []
    return [
      `${where} sets the host name ${JSON.stringify(name)}, the inventory ${JSON.stringify(wanted)} (line ${index + 1})`,
    ]
  })
}

/**
 * A shell word without its quotes; a variable that is set once, to plain text, is that text. undefined: it cannot be
 * told here.
 */
export function literal(quoted: string, text: string): string | undefined {
  const variable = /^"?\$\{?(\w+)\}?"?$/.exec(quoted)?.[1]
  if (variable !== undefined) {
    const set = [...text.matchAll(new RegExp(String.raw`(?:^|[\s;])${variable}=(\S*)`, 'g'))]
    return set.length === 1 && set[0]?.[1] !== undefined ? literal(set[0][1], '') : undefined
  }
  let bare = ''
  for (const [all, single, double, escaped] of quoted.matchAll(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|[^'"\\]+/g)) {
    if (single === undefined && escaped === undefined && /(^|[^\\])[$`]/.test(double ?? all)) return undefined
    bare += single ?? escaped ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? all
  }
  return bare
}
