/** Fault 26: the disk of the pictures is full. */
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { type SmallDisk, smallDisk } from '../../small-disk.ts'
import type { Told } from '../check.ts'
import { tenantAt, until } from '../plan.ts'
import type { Rig, Tenant } from '../rig.ts'
import { type Fault, takenOverMs } from './fault.ts'
import { enter, leave } from './world.ts'

let disk: SmallDisk | null = null
const ballast = 'ballast'

/** Fills it to the last byte. */
function fill(path: string): void {
  for (const bytes of [65_536, 4_096, 512, 1])
    for (;;)
      try {
        writeFileSync(join(path, ballast), Buffer.alloc(bytes), { flag: 'a' })
      } catch {
        break
      }
}

/** Asked once: a client that asks on would wait for the disk. @returns what was answered */
async function upload(rig: Rig, { slug, key }: Tenant, at: number): Promise<Response> {
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 60 }
  const bytes = await sharp({ create: { width: 200, height: 200, channels: 3, noise, background: '#000' } })
    .png()
    .toBuffer()
  const form = new FormData()
  form.set('file', new File([new Uint8Array(bytes)], 'more.png', { type: 'image/png' }))
  form.set('alt', `${slug} more`)
  const process = rig.processes.all[at % rig.processes.all.length]
  return fetch(`${process?.address}/api/v1/media`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: form,
    signal: AbortSignal.timeout(15_000),
  })
}

const filesIn = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name !== ballast)
    .map(entry => join(entry.parentPath, entry.name))
    .sort()

export const diskFull: Fault = {
  number: 26,
  name: 'the disk of the pictures full to the last byte',
  mostLateMs: takenOverMs,
  async before(rig) {
    disk = smallDisk('3m')
    cpSync(rig.dataDir, disk.path, { recursive: true })
    await enter(rig, { lines: [] }, [], { DATA_DIR: disk.path })
  },
  async play(rig, { from, overMs }) {
    if (!disk) return { times: 0 }
    for (const post of rig.posts) post.clearAt = 0
    const before = filesIn(disk.path)
    fill(disk.path)
    const told: Told[] = []
    await until(from)
    let times = 0
    for (; Date.now() < from + overMs; times++) {
      const answer = await upload(rig, tenantAt(rig, times), times)
      const { code } = (await answer.json()) as { code?: string }
      if (answer.status !== 507 || code !== 'storage_full')
        told.push(['LIE', `a picture for a full disk is answered ${answer.status} ${code}`])
      await Bun.sleep(200)
    }
    const more = filesIn(disk.path).filter(file => !before.includes(file))
    for (const file of more) told.push(['LEAK', `${file} stays of a picture that was refused`])
    rmSync(join(disk.path, ballast))
    told.push(...(await goesOn(rig)))
    return { times, words: `${times} pictures refused`, told }
  },
  async after(rig) {
    await leave(rig)
    disk?.remove()
    disk = null
  },
}

/** With room again a picture is taken, and stands there whole. */
async function goesOn(rig: Rig): Promise<Told[]> {
  const tenant = tenantAt(rig, 0)
  const answer = await upload(rig, tenant, 0)
  const { id, bytes } = (await answer.json()) as { id?: string; bytes?: number }
  if (answer.status !== 201 || !id)
    return [['LOST', `with room again a picture is answered ${answer.status}`]]
  const file = await fetch(`${rig.processes.all[1]?.address}/api/v1/media/${id}/file`, {
    headers: { authorization: `Bearer ${tenant.key}` },
  })
  const there = (await file.bytes()).length
  await rig.ask(tenant, 'DELETE', `/media/${id}`)
  return there === bytes ? [] : [['LIE', `a picture of ${bytes} bytes has ${there} (${file.status})`]]
}
