import { describe, expect, test } from 'vitest'
import { detect, formatNames, formatOf, isBoot } from '../../../src/image/formats/detect.ts'
import { bootOf, fresh, seed, type Texts } from '../kit.ts'

const refusal = (files: Texts, wanted?: Parameters<typeof detect>[1]) => {
  try {
    return detect(bootOf(files), wanted).format.name
  } catch (error) {
    const { message, hint } = error as Error & { hint: string }
    return `${message} | ${hint}`
  }
}

describe('the format of an image', () => {
  test.each(formatNames)('%s is known by a fresh card, and by one that has the seed already', (name) => {
    const files = formatOf(name).files(seed, bootOf(fresh[name]))
    const seeded = Object.fromEntries(files.map((file) => [file.name, file.content]))
    expect(detect(bootOf(fresh[name])).format.name).toBe(name)
    expect(detect(bootOf({ ...fresh[name], ...seeded })).format.name).toBe(name)
    expect(isBoot(bootOf(fresh[name]))).toBe(true)
  })

  test('says what told it', () => {
    expect(detect(bootOf(fresh['cloud-init'])).signs).toEqual(['meta-data', 'user-data', 'network-config'])
    expect(detect(bootOf(fresh.firstrun)).signs).toEqual([
      'init=/usr/lib/raspberrypi-sys-mods/firstboot in cmdline.txt',
      'issue.txt of 2025-05-13',
    ])
    expect(detect(bootOf({ 'cmdline.txt': 'quiet ds=nocloud;i=rpi-imager-1\n' })).signs).toEqual([
      'ds=nocloud;i=rpi-imager-1 in cmdline.txt',
    ])
  })

  test('two at once are refused: an old Raspberry Pi Imager on a new image', () => {
    expect(refusal({ ...fresh['cloud-init'], 'firstrun.sh': '#!/bin/bash\n' })).toBe(
      'it is set up for two formats that exclude each other: cloud-init (meta-data, user-data, network-config) and firstrun ' +
        '(firstrun.sh) | flash the card again without customisation; Raspberry Pi Imager before 2.0 writes files that newer systems do not read',
    )
  })

  test('none at all is refused with what is there, and taken from the user where it is a boot partition', () => {
    expect(refusal({ 'holiday.jpg': '' })).toBe(
      'the format of its first boot was not recognised: it holds holiday.jpg | name the format with --format, if you know it',
    )
    expect(refusal({})).toContain('it holds no files')
    expect(refusal({ 'holiday.jpg': '' }, 'firstrun')).toContain('this is not the boot partition of a Pi')
    expect(refusal({ 'cmdline.txt': 'quiet\n' }, 'rpi-preseed')).toBe('rpi-preseed')
  })

  test('another than the user says is refused', () => {
    expect(refusal(fresh.firstrun, 'cloud-init')).toContain('not for cloud-init | leave out --format')
    expect(refusal(fresh.firstrun, 'firstrun')).toBe('firstrun')
  })
})
