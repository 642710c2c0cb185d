import fc from 'fast-check'
import { expect, test } from 'vitest'
import { markdown } from '../../../src/report/terminal/summary.ts'
import { night, spokenBy } from '../night.ts'

test('a night on which nearly everything happened', () => {
  expect(markdown(night)).toMatchInlineSnapshot(`
    "### provision verify fleet.json

    ❌ verified&#58; 1 differs, 1 ok, 1 rejected, 1 unreachable; 2 of 4 forwards reach their device, 12.5 s

    | host | outcome | reached |  |
    | --- | --- | --- | --- |
    | ssh-gw | ✅ ok | direct |  |
    | pi-drift | ⚠️ differs | direct | file /etc/motd&#58; rewrite |
    | pi-off | ❌ unreachable | direct | no route worked<br>hint&#58; is it switched on? |
    | pi-odd | ❌ rejected | direct | file /etc/motd&#58; is a link |

    | forward | device | state | handshake |  |
    | --- | --- | --- | --- | --- |
    | 127.0.0.1&#58;9001 on ssh-gw | pi-drift | ✅ ok | 45 ms | SHA256&#58;abc |
    | 127.0.0.1&#58;9101 on ssh-gw | pi-drift | ✅ ok | 45 ms | unchecked&#58; there was no login&#58; the login was refused |
    | &#91;&#58;&#58;1&#93;&#58;9002 on ssh-gw | pi-off | ❌ stale |  | the port is open, but nothing answers<br>hint&#58; wait<br>last proved 2026-11-23T03&#58;00&#58;01.000Z |
    | 127.0.0.1&#58;9003 on ssh-gw | pi-odd | ❌ unverified |  | no |

    | host | tried |  |  |
    | --- | --- | --- | --- |
    | ssh-gw | no shell | ✅ holds |  |
    | ssh-gw | no shell | ❌ fails | it said&#58; root |
    | pi-off | no sftp | ⚠️ untried | the host could not be asked |

    | host | unchecked |
    | --- | --- |
    | pi-away | nobody logged in to look |

    <details><summary>pi-drift: file /etc/motd: rewrite</summary>

    <pre>--- /etc/motd	now
    +++ /etc/motd	wanted
    @@ -1,1 +1,1 @@
    -old &lt;b&gt;
    +new &amp; "good"</pre>

    </details>

    "
  `)
})

/** As a browser shows it. */
const shown = (text: string) => text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))

test('what a host says stays in its cell, and is no markup', () => {
  const awkward = fc.constantFrom(
    '|',
    '\n',
    '\r\n',
    '<script>',
    '</pre>',
    '](http://x)',
    '**',
    '`',
    '@all',
    'www.x.y',
    '\\',
  )
  const said = fc
    .array(fc.oneof(awkward, fc.string({ unit: 'grapheme' })), { minLength: 1 })
    .map((parts) => `x${parts.join('')}`)
  const shape = (text: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => line.split(' | ').length)
  fc.assert(
    fc.property(said, (text) => {
      const page = markdown(spokenBy(text))
      const tables = page.split('<details>', 1)[0] ?? ''
      expect(shape(tables)).toEqual(shape(markdown(spokenBy('a')).split('<details>', 1)[0] ?? ''))
      const [, ...markup] = tables
        .split(/<br>/)
        .join('')
        .split(/[<`[\]@*\\]/)
      expect(markup).toEqual([])
      expect(page.match(/<\/?(pre|details|summary)>/g)).toEqual(
        markdown(spokenBy('a')).match(/<\/?(pre|details|summary)>/g),
      )
    }),
  )
})

test('what it said can be read there', () => {
  expect(shown(markdown(spokenBy('a | b & <c>')))).toContain(
    '| pi-off | ❌ unreachable | direct | a | b & <c><br>hint: a | b & <c> |',
  )
})

test('diffs that would be more than GitHub takes are left out', () => {
  const [host] = night.hosts
  const changes = Array.from({ length: 20 }, (_, n) => ({
    resource: `file ${n}`,
    summary: 'rewrite',
    diff: 'x'.repeat(100_000),
  }))
  const page = markdown({ ...night, hosts: host ? [{ ...host, changes }] : [] })
  expect(Buffer.byteLength(page)).toBeLessThan(1024 * 1024)
  expect(page.match(/<details>/g)).toHaveLength(5)
  expect(page.includes('file 19&#58; rewrite')).toBe(true)
})
