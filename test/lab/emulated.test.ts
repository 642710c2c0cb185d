import { describe, expect, test } from 'vitest'
import { boardOf, emulatedCard } from '../../src/lab/emulated.ts'
import { fresh, hash, makeImage } from '../image/kit.ts'

/** As of a kernel for a PC, or for any other processor. */
const forPc = `${' '.repeat(0x202)}HdrS`
const forArm = `${' '.repeat(0x202)}xxxx`
const board = (kernel: string | undefined, ...names: string[]) =>
  boardOf({ start: 0, names, kernel: kernel === undefined ? undefined : Buffer.from(kernel) }, 'card.img')

describe('the board that emulates a card', () => {
  test.each([
    ["a Pi, for Raspberry Pi's own kernel", forArm, ['kernel8.img', 'bcm2710-rpi-3-b.dtb'], 'pi'],
    ['any other arm64', forArm, ['vmlinuz'], 'arm64'],
    ['a PC', forPc, ['kernel8.img'], 'amd64'],
  ] as const)('is %s', (_, kernel, names, wanted) => {
    expect(board(kernel, ...names)).toBe(wanted)
  })

  test('is none where only 32-bit kernels are there', () => {
    expect(() => board(undefined, 'kernel7.img')).toThrow('lab: card.img has no 64-bit kernel (kernel8.img, vmlinuz)')
  })
})

test('an image without a seed is not booted, and stays as it is', async () => {
  const image = makeImage({ files: { ...fresh['cloud-init'], 'kernel8.img': forPc } })
  const before = hash(image)
  await expect(emulatedCard(image)).rejects.toThrow(`lab: there is no seed in ${image}`)
  expect(hash(image)).toBe(before)
})
