import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openImage } from '../../src/image/image-file.ts'
import { bootStart, fresh, makeImage, run } from './kit.ts'

test('x', async () => {
  const image = makeImage({ files: fresh['cloud-init'] })
  const before = readFileSync(image)
  const card = await openImage(image)
  console.log(card.boot.names, card.what)
  console.log(
    await card.write([
      { name: 'provision-seed.sh', content: 'x'.repeat(20000) },
      { name: 'user-data', content: '#cloud-config\nhostname: a\n' },
    ]),
  )
  await card.close()
  const after = readFileSync(image)
  let n = 0
  for (let at = 0; at < after.length; at += 512)
    if (!after.subarray(at, at + 512).equals(before.subarray(at, at + 512))) n++
  console.log(n)
  console.log(run('mdir', ['-i', `${image}@@${bootStart}`]).toString())
  run('sh', ['-c', `dd if=${image} of=${image}.part bs=1M skip=8 count=40 2>/dev/null && fsck.vfat -n ${image}.part`])
  expect(run('mtype', ['-i', `${image}@@${bootStart}`, '::user-data']).toString()).toBe('#cloud-config\nhostname: a\n')
})
