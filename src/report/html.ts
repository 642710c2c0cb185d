/** A piece of HTML or SVG. Only `html` makes one, so every string from outside is escaped. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type HtmlValue = string | number | undefined | false | Html | readonly HtmlValue[]

/** Strings become text, also inside quoted attributes; an `Html` stands as it is; nothing becomes nothing. */
export function html(template: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(template.map((literal, index) => literal + (index in values ? piece(values[index]) : '')).join(''))
}

function piece(value: HtmlValue): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(piece).join('')
  return escaped(String(value))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** What a host sent may hold anything: nothing that controls, reorders or hides text gets through. */
function escaped(text: string): string {
  return text.replaceAll(/[^\P{C}\n\t]|[\u2028\u2029]/gu, '').replaceAll(/[&<>"']/g, (char) => entities[char] ?? '')
}
