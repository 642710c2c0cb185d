import fc from 'fast-check'
import { expect, test } from 'vitest'
import { html } from '../../src/report/html.ts'

test('strings are text, whatever is in them, also inside an attribute', () => {
  const plain = (text: string) =>
    text
      .replaceAll(/&(lt|gt|quot|#39);/g, (_, name) => ({ lt: '<', gt: '>', quot: '"', '#39': "'" })[name as 'lt'])
      .replaceAll('&amp;', '&')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { text: made } = html`<i title="${text}">${text}</i>`
      const [, attribute, content] = /^<i title="([^"<>]*)">([^<>"']*)<\/i>$/.exec(made) ?? []
      expect(plain(content ?? '')).toBe(text.replaceAll(/[^\P{C}\n\t]|[\u2028\u2029]/gu, ''))
      expect(attribute).toBe(content)
    }),
  )
})

test('what hides or reorders text is taken out', () => {
  expect(html`${'a\u202eb\u0000c\u200bd\x1b[2J\u2066e'}`.text).toBe('abcd[2Je')
})

test('pieces stand as they are, lists one after another, and nothing is nothing', () => {
  expect(html`${[html`<b>${1}</b>`, 'x&y']}${undefined}${false}.`.text).toBe('<b>1</b>x&amp;y.')
})
