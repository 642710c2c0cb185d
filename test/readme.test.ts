import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { build, provision, root } from './dist.ts'

/** The README in its two languages, and the pages for those who begin. */
const readmes = ['README.md', 'README.ja.md'] as const
const pages = [...readmes, ...['tutorial', 'recipes', 'faq', 'comparison'].map((name) => `docs/${name}.md`)]

const read = (file: string) => readFileSync(join(root, file), 'utf8')
const blocks = (text: string) => [...text.matchAll(/^```.*\n[\s\S]*?^```$/gm)].map(([block]) => block)
/** Commands of ours, wherever they stand: `provision verify inventory.json --wait 60`. */
const commandsIn = (text: string) =>
  [...text.matchAll(/(?:^\$? ?|`)(provision [^`\n#]*)/gm)].map(([, command = '']) => command.trim())
const linksIn = (text: string) => [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)

beforeAll(build)

describe('the README in Japanese says the same', () => {
  const [english, japanese] = readmes.map(read) as [string, string]

  test('its commands and their output are those of README.md', () => {
    expect(blocks(japanese)).toEqual(blocks(english))
    expect(blocks(english).length).toBeGreaterThan(5)
  })

  test('so are the commands within its text, its pictures and its links', () => {
    expect(commandsIn(japanese).sort()).toEqual(commandsIn(english).sort())
    // A page's own headings are in its own language.
    const elsewhere = (text: string) => linksIn(text).filter((link) => !link.startsWith('#') && !/^README/.test(link))
    expect([...new Set(elsewhere(japanese))].sort()).toEqual([...new Set(elsewhere(english))].sort())
  })
})

/** What GitHub calls a heading: `## Use it (3 minutes)` is #use-it-3-minutes. */
const anchorsIn = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )

test.each(pages)('%s: every link leads somewhere', (page) => {
  const broken = linksIn(read(page)).filter((link) => {
    if (/^https?:/.test(link)) return false
    const [path = '', anchor] = link.split('#')
    const file = path === '' ? page : normalize(join(dirname(page), path))
    if (!existsSync(join(root, file))) return true
    return anchor !== undefined && !anchorsIn(read(file)).includes(anchor)
  })
  expect(broken).toEqual([])
})

const help = new Map<string, string>()
const helpOf = (command: string) => {
  const known = help.get(command) ?? provision(command === '' ? ['--help'] : [...command.split(' '), '--help']).stdout
  help.set(command, known)
  return known
}

test.each(pages)('%s: every command of ours is one that there is, with options that it has', (page) => {
  const wrong = commandsIn(read(page)).filter((line) => {
    const [ours = ''] = line.split(' -- ')
    const [, first = '', second = ''] = ours.split(/\s+/)
    const isCommand = /^[a-z][a-z-]*$/.test(first)
    const bare = first.startsWith('-') ? '' : 'apply'
    const command = !isCommand ? bare : first === 'lab' && /^[a-z]+$/.test(second) ? `lab ${second}` : first
    const options = ours.match(/--[a-z][a-z-]*/g) ?? []
    const text = helpOf(command)
    return text === '' || options.some((option) => !new RegExp(`${option}\\b`).test(`${text} --help --version`))
  })
  expect(wrong).toEqual([])
})
