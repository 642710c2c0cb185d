import { expect, test } from 'vitest'
import { parsePage, schemeOf } from '../../src/remote/page.ts'

test.each([
  ['pi1', { name: 'pi1', host: 'localhost', port: 80 }],
  ['pi1:8080', { name: 'pi1', host: 'localhost', port: 8080 }],
  ['pi1:192.168.1.20:80', { name: 'pi1', host: '192.168.1.20', port: 80 }],
  ['pi1:printer.lan:631', { name: 'pi1', host: 'printer.lan', port: 631 }],
  ['pi1:[fd00::20]:80', { name: 'pi1', host: 'fd00::20', port: 80 }],
])('%s is a page', (text, page) => {
  expect(parsePage(text)).toEqual(page)
})

test.each(['', ':80', 'pi1:', 'pi1:0', 'pi1:65536', 'pi1:http', 'pi1:printer', 'pi1:fd00::20:80', 'pi1:[printer]:80'])(
  '%j is none',
  (text) => {
    expect(() => parsePage(text)).toThrow('expected NAME, NAME:PORT or NAME:HOST:PORT')
  },
)

test('what usually speaks https is opened so', () => {
  expect([80, 443, 8080, 8443].map((port) => schemeOf({ port }))).toEqual(['http', 'https', 'http', 'https'])
})
