import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { junit } from '../../../src/report/ci/junit.ts'
import type { Report } from '../../../src/report/report.ts'
import { at, diff, night, source, spokenBy } from '../night.ts'
import { mustBeJUnit, xpath } from '../xml.ts'

const print = (report: Report) => junit(report, { at, source })

test('a night on which nearly everything happened', () => {
  mustBeJUnit(print(night))
  expect(print(night)).toMatchInlineSnapshot(`
    "<?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="provision verify fleet.json" tests="17" failures="3" errors="3" skipped="2" time="12.500">
      <testsuite name="ssh-gw" tests="5" failures="1" errors="0" skipped="0" time="0.500" timestamp="2026-11-24T03:00:05" hostname="ssh-gw">
        <testcase classname="ssh-gw" name="host" time="0.500" file="sites/fleet.json" line="10"/>
        <testcase classname="ssh-gw" name="account tunnel" time="0.000" file="sites/fleet.json" line="10"/>
        <testcase classname="ssh-gw" name="file /etc/motd" time="0.000" file="sites/fleet.json" line="10"/>
        <testcase classname="ssh-gw" name="proof: no shell" time="0.000" file="sites/fleet.json" line="10"/>
        <testcase classname="ssh-gw" name="proof: no shell (2)" time="0.000" file="sites/fleet.json" line="10">
          <failure message="it said: root" type="fails">it said: root</failure>
        </testcase>
      </testsuite>
      <testsuite name="pi-drift" tests="5" failures="1" errors="0" skipped="0" time="0.500" timestamp="2026-11-24T03:00:05" hostname="pi-drift">
        <testcase classname="pi-drift" name="host" time="0.500" file="sites/fleet.json" line="20"/>
        <testcase classname="pi-drift" name="file /etc/motd" time="0.000" file="sites/fleet.json" line="20">
          <failure message="rewrite" type="drift">rewrite
    --- /etc/motd	now
    +++ /etc/motd	wanted
    @@ -1,1 +1,1 @@
    -old &lt;b&gt;
    +new &amp; "good"
    </failure>
        </testcase>
        <testcase classname="pi-drift" name="package autossh" time="0.000" file="sites/fleet.json" line="20"/>
        <testcase classname="pi-drift" name="forward 127.0.0.1:9001 on ssh-gw" time="0.045" file="sites/fleet.json" line="1001"/>
        <testcase classname="pi-drift" name="forward 127.0.0.1:9101 on ssh-gw" time="0.045" file="sites/fleet.json" line="1101">
          <system-out>unchecked: there was no login: the login was refused</system-out>
        </testcase>
      </testsuite>
      <testsuite name="pi-off" tests="3" failures="1" errors="1" skipped="1" time="0.500" timestamp="2026-11-24T03:00:05" hostname="pi-off">
        <testcase classname="pi-off" name="host" time="0.500" file="sites/fleet.json" line="30">
          <error message="no route worked" type="unreachable">no route worked
    hint: is it switched on?</error>
        </testcase>
        <testcase classname="pi-off" name="forward [::1]:9002 on ssh-gw" time="0.000" file="sites/fleet.json" line="1002">
          <failure message="the port is open, but nothing answers" type="stale">the port is open, but nothing answers
    hint: wait</failure>
        </testcase>
        <testcase classname="pi-off" name="proof: no sftp" time="0.000" file="sites/fleet.json" line="30">
          <skipped message="the host could not be asked"/>
        </testcase>
      </testsuite>
      <testsuite name="pi-odd" tests="3" failures="0" errors="2" skipped="0" time="0.500" timestamp="2026-11-24T03:00:05" hostname="pi-odd">
        <testcase classname="pi-odd" name="host" time="0.500" file="sites/fleet.json" line="40">
          <error message="file /etc/motd: is a link" type="rejected">file /etc/motd: is a link</error>
        </testcase>
        <testcase classname="pi-odd" name="file /etc/motd" time="0.000" file="sites/fleet.json" line="40"/>
        <testcase classname="pi-odd" name="forward 127.0.0.1:9003 on ssh-gw" time="0.000" file="sites/fleet.json" line="40">
          <error message="no" type="unverified">no</error>
        </testcase>
      </testsuite>
      <testsuite name="pi-away" tests="1" failures="0" errors="0" skipped="1" time="0.000" timestamp="2026-11-24T03:00:05" hostname="pi-away">
        <testcase classname="pi-away" name="host" time="0.000" file="sites/fleet.json" line="50">
          <skipped message="nobody logged in to look"/>
        </testcase>
      </testsuite>
    </testsuites>
    "
  `)
})

test('no hosts are no suites, and XML all the same', () => {
  const text = print({ ...night, hosts: [], forwards: [], proofs: [], unchecked: [] })
  mustBeJUnit(text)
  expect(xpath(text, 'count(//testsuite)')).toBe('0')
})

describe('drift', () => {
  const drifted = `//testsuite[@name="pi-drift"]/testcase[@name="file /etc/motd"]`

  test('is a failure with the diff, to the letter', () => {
    expect(xpath(print(night), `string(${drifted}/failure)`)).toBe(`rewrite\n${diff}`)
    expect(xpath(print(night), `string(${drifted}/failure/@message)`)).toBe('rewrite')
  })

  test('that was mended by this run is none, and can still be read', () => {
    const text = print({ ...night, command: 'apply' })
    expect(xpath(text, `count(${drifted}/failure)`)).toBe('0')
    expect(xpath(text, `string(${drifted}/system-out)`)).toBe(`rewrite\n${diff}`)
  })
})

test('what is counted is what is there', () => {
  const text = print(night)
  for (const kind of ['failure', 'error', 'skipped']) {
    const attribute = kind === 'skipped' ? kind : `${kind}s`
    expect(xpath(text, `string(/testsuites/@${attribute})`), kind).toBe(xpath(text, `count(//${kind})`))
    expect(xpath(text, `string(sum(//testsuite/@${attribute}))`), kind).toBe(xpath(text, `count(//${kind})`))
  }
  expect(xpath(text, 'string(/testsuites/@tests)')).toBe(xpath(text, 'count(//testcase)'))
})

describe('whatever a host says', () => {
  /** Every code unit there is: control characters, lone surrogates, U+FFFE. */
  const anything = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { minLength: 1 })
    .map((units) => String.fromCharCode(...units))
  const awkward = fc.constantFrom(
    ']]>',
    '<!--',
    '&amp;',
    '"\'>',
    '\r\n',
    '\t',
    '\ud800',
    '\ufffe',
    '\0',
    '&#0;',
    '<?x?>',
  )
  const said = fc.array(fc.oneof(anything, awkward, fc.string()), { minLength: 1 }).map((parts) => parts.join(''))

  test('it is XML 1.0', () => {
    fc.assert(
      fc.property(said, (text) => mustBeJUnit(print(spokenBy(text)))),
      { numRuns: 60 },
    )
  })

  test('it is read as it was said, where XML has a way to say it', () => {
    const legal = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .map((text) => `«${text.replaceAll(/[\0-\x1f\r]/g, ' ')}»`)
    fc.assert(
      fc.property(legal, (text) => {
        const document = print(spokenBy(text))
        expect(xpath(document, 'string(//testsuite[@name="pi-odd"]//error)')).toBe(`${text}\nhint: ${text}`)
        expect(xpath(document, 'string(//testsuite[@name="pi-away"]//skipped/@message)')).toBe(text)
      }),
      { numRuns: 25 },
    )
  })

  test('the schema is one that can be broken', () => {
    expect(() => mustBeJUnit('<testsuites/>')).toThrow('required')
    expect(() => mustBeJUnit(print(night).replace('&lt;b&gt;', '<b>'))).toThrow()
    expect(() => mustBeJUnit(print(night).replace('no sftp', '\u0001'))).toThrow()
  })
})
