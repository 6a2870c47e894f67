import { describe, expect, test } from 'bun:test'
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { maxPictureBytes, PictureRefused, readPicture } from '../src/media/picture.ts'

const drawn = (width: number, height: number) =>
  sharp({
    create: {
      width,
      height,
      channels: 3,
      background: '#a33',
      noise: { type: 'gaussian', mean: 128, sigma: 30 },
    },
  })
const plain = (width: number, height: number, background = '#1e6b52') =>
  sharp({ create: { width, height, channels: 3, background }, limitInputPixels: false })

async function refusal(bytes: Uint8Array): Promise<PictureRefused> {
  const error = await readPicture(bytes).then(
    () => new Error('it was taken'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof PictureRefused)) throw error
  expect(error.message).toMatch(/\.$/)
  return error
}

const latin = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

/** One PNG chunk with its length and checksum. */
function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}

describe('what is taken', () => {
  for (const format of ['jpeg', 'png', 'webp'] as const) {
    test(`${format} comes back as ${format} with a WebP preview at most 640 wide`, async () => {
      const picture = await readPicture(await drawn(1500, 1000).toFormat(format).toBuffer())
      expect(picture).toMatchObject({ type: `image/${format}`, width: 1500, height: 1000 })
      expect(await sharp(picture.bytes).metadata()).toMatchObject({ format, width: 1500, height: 1000 })
      expect(await sharp(picture.thumbnail).metadata()).toMatchObject({
        format: 'webp',
        width: 640,
        height: 427,
      })
    })
  }

  test('a small picture keeps its size in the preview', async () => {
    const picture = await readPicture(await drawn(30, 20).png().toBuffer())
    expect(await sharp(picture.thumbnail).metadata()).toMatchObject({ width: 30, height: 20 })
  })

  test('the rotation of the camera is applied; position, camera and profile are gone', async () => {
    // Left half red, right half blue, to be shown turned by 90° clockwise: red on top.
    const halves = await plain(40, 20, '#ff0000')
      .composite([{ input: await plain(20, 20, '#0000ff').png().toBuffer(), left: 20, top: 0 }])
      .png()
      .toBuffer()
    const sent = await sharp(halves)
      .jpeg({ quality: 100 })
      .withMetadata({ orientation: 6 })
      .withExifMerge({
        IFD0: { Make: 'SecretCamera' },
        IFD3: {
          GPSLatitudeRef: 'N',
          GPSLatitude: '51/1 30/1 0/1',
          GPSLongitudeRef: 'W',
          GPSLongitude: '0/1 7/1 0/1',
        },
      })
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>at home</note></x:xmpmeta>')
      .toBuffer()
    expect(latin(sent)).toContain('SecretCamera')
    expect(latin(sent)).toContain('at home')

    const picture = await readPicture(sent)
    expect(picture).toMatchObject({ type: 'image/jpeg', width: 20, height: 40 })
    for (const bytes of [picture.bytes, picture.thumbnail]) {
      const facts = await sharp(bytes).metadata()
      expect([facts.exif, facts.icc, facts.xmp, facts.iptc, facts.orientation]).toEqual(
        Array(5).fill(undefined),
      )
      expect(latin(bytes)).not.toMatch(/SecretCamera|at home|Exif/)
      const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
      expect([info.width, info.height]).toEqual([20, 40])
      const pixel = (x: number, y: number) => [...data.subarray((y * 20 + x) * 3, (y * 20 + x) * 3 + 3)]
      expect(pixel(10, 5)[0]).toBeGreaterThan(200)
      expect(pixel(10, 35)[2]).toBeGreaterThan(200)
    }
  })

  test('what follows the last chunk of a PNG, or hides in a text chunk, does not survive', async () => {
    const png = await drawn(20, 20).png().toBuffer()
    const noted = Buffer.concat([
      png.subarray(0, 33),
      chunk('tEXt', Buffer.from('Comment\0<script>')),
      png.subarray(33),
    ])
    const sent = Buffer.concat([noted, Buffer.from('<html><script>alert(1)</script></html>')])
    const picture = await readPicture(sent)
    expect(latin(picture.bytes)).not.toContain('script')
    expect(picture).toMatchObject({ type: 'image/png', width: 20, height: 20 })
  })

  test('a JPEG with a ZIP behind it loses the ZIP', async () => {
    const sent = Buffer.concat([await drawn(20, 20).jpeg().toBuffer(), Buffer.from('PK\x03\x04evil.sh')])
    expect(latin((await readPicture(sent)).bytes)).not.toContain('evil.sh')
  })

  test('a strip of 1 × 65,535 pixels gets a preview too', async () => {
    const picture = await readPicture(await plain(1, 65_535).png().toBuffer())
    expect(picture).toMatchObject({ width: 1, height: 65_535 })
    expect((await sharp(picture.thumbnail).metadata()).height).toBe(1920)
  })

  test('transparency and the sharp edges of a lossless WebP stay', async () => {
    const mark = sharp({
      create: { width: 8, height: 8, channels: 4, background: { r: 9, g: 99, b: 199, alpha: 0.5 } },
    })
    const sent = await mark.webp({ lossless: true }).toBuffer()
    const before = await sharp(sent).raw().toBuffer()
    expect(
      await sharp((await readPicture(sent)).bytes)
        .raw()
        .toBuffer(),
    ).toEqual(before)
  })
})

describe('what is refused, and the words', () => {
  test('nothing at all', async () => {
    expect(await refusal(new Uint8Array())).toMatchObject({
      code: 'empty',
      message: expect.stringContaining('0 bytes'),
    })
  })

  test('more than 20 MiB', async () => {
    const sent = Buffer.concat([await drawn(9, 9).png().toBuffer(), Buffer.alloc(maxPictureBytes)])
    expect(await refusal(sent)).toMatchObject({
      code: 'too_large',
      message: expect.stringContaining('at most 20 MiB'),
    })
  })

  test('other kinds, by name', async () => {
    const svg = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    const kinds: [string, Uint8Array][] = [
      ['SVG', Buffer.from(svg)],
      ['SVG', Buffer.from('  <svg onload="alert(1)"/>')],
      ['GIF', await drawn(9, 9).gif().toBuffer()],
      ['GIF', Buffer.from('GIF89a/*\x01\x01\0\0*/=1;alert(1)//', 'latin1')],
      ['HEIC', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')],
      ['AVIF', await drawn(64, 64).avif().toBuffer()],
      ['film', Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1')],
      ['not a JPEG', Buffer.from('<html>hello</html>')],
      ['not a JPEG', await drawn(9, 9).tiff().toBuffer()],
    ]
    for (const [word, bytes] of kinds) {
      expect(await refusal(bytes)).toMatchObject({
        code: 'wrong_type',
        message: expect.stringContaining(word),
      })
    }
  })

  test('an animated PNG, also where its size is cheap: 10,000 frames are not even looked at', async () => {
    const png = await drawn(9, 9).png().toBuffer()
    const control = Buffer.alloc(8)
    control.writeUInt32BE(10_000, 0)
    const animated = Buffer.concat([png.subarray(0, 33), chunk('acTL', control), png.subarray(33)])
    expect(await refusal(animated)).toMatchObject({
      code: 'animated',
      message: expect.stringContaining('still'),
    })
  })

  test('an animated WebP', async () => {
    const frames = await Promise.all(
      ['#f00', '#0f0', '#00f'].map(shade => plain(10, 10, shade).png().toBuffer()),
    )
    const animated = await sharp(frames, { join: { animated: true } })
      .webp()
      .toBuffer()
    expect(await refusal(animated)).toMatchObject({ code: 'animated' })
  })

  test('cut off in the middle', async () => {
    for (const format of ['jpeg', 'png', 'webp'] as const) {
      const whole = await drawn(400, 300).toFormat(format).toBuffer()
      for (const keep of [0.95, 0.5, 0.01]) {
        expect(await refusal(whole.subarray(0, Math.max(16, whole.length * keep)))).toMatchObject({
          code: 'damaged',
        })
      }
    }
  })

  test('only the first bytes of a type', async () => {
    expect(await refusal(Buffer.from([0xff, 0xd8, 0xff]))).toMatchObject({ code: 'damaged' })
    expect(await refusal(Buffer.from('RIFF\x04\0\0\0WEBP', 'latin1'))).toMatchObject({ code: 'damaged' })
  })

  test('30,000 × 30,000 flat pixels, from the header alone', async () => {
    const header = Buffer.from([0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30, 1, 0, 0, 0, 0]) // 30,000 twice, one bit of grey
    const bomb = Buffer.concat([
      Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
      chunk('IHDR', header),
      chunk('IDAT', deflateSync(Buffer.alloc(30_000 * (1 + 30_000 / 8)))),
      chunk('IEND', Buffer.alloc(0)),
    ])
    expect(await sharp(bomb, { limitInputPixels: false }).metadata()).toMatchObject({ width: 30_000 })
    expect(bomb.length).toBeLessThan(maxPictureBytes)
    const before = process.memoryUsage().rss
    expect(await refusal(bomb)).toMatchObject({
      code: 'too_many_pixels',
      message: expect.stringContaining('30000'),
    })
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024)
  })
})

test('at most two pictures are decoded at once, and all are done', async () => {
  const sent = await drawn(1200, 900).png().toBuffer()
  let most = 0
  let done = false
  const work = Promise.all(Array.from({ length: 8 }, () => readPicture(sent))).finally(() => {
    done = true
  })
  while (!done) {
    // Not their sum: a picture may move from one to the other between the two readings.
    const { queue, process: inside } = sharp.counters()
    most = Math.max(most, queue, inside)
    await new Promise(resolve => setImmediate(resolve))
  }
  expect(await work).toHaveLength(8)
  expect(most).toBe(2)
})
