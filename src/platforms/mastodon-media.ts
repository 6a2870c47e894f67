/** Uploading pictures to a Mastodon server and waiting until they are processed. */
import { setTimeout as wait } from 'node:timers/promises'
import { jsonObject, Stop, textAt } from './answers.ts'
import { outcomeFor } from './catalogue/tell.ts'
import { type Caller, call, trouble } from './mastodon-server.ts'
import type { Account, PostImage, Sending } from './platform.ts'
import { fitted } from './shrink.ts'

/** How long one attempt waits for a picture to be processed, and how often it asks. */
const pictureTries = 8
const pictureMs = 1000

/** The id of an uploaded and processed picture. An upload that the server has swept since is done again. */
export async function picture(
  index: number,
  image: PostImage,
  account: Account,
  caller: Caller,
  sending: Sending,
): Promise<string> {
  for (let round = 1; round <= 3; round++) {
    const { id, ready } = await sending.step(`picture-${index + 1}-${image.id}-${round}`, () =>
      upload(image, account, caller),
    )
    let gone = false
    for (let tries = 0; !ready && tries < pictureTries; tries++) {
      const answer = await call(caller, `/api/v1/media/${encodeURIComponent(id)}`)
      if (answer.status === 200) return id
      gone = answer.status === 404
      if (gone) break
      if (answer.status !== 206) throw trouble(answer, [caller.token])
      await wait(pictureMs, undefined, { signal: sending.signal }).catch(() => undefined)
      if (sending.signal.aborted) break
    }
    if (ready) return id
    if (!gone) break
  }
  throw new Stop(outcomeFor('mastodon', 'media_processing'))
}

async function upload(
  image: PostImage,
  account: Account,
  caller: Caller,
): Promise<{ id: string; ready: boolean }> {
  const { bytes, type } = await fitted(image, account.limits.images, 'this server')
  const form = new FormData()
  const suffix = type.replace('image/', '').replace('jpeg', 'jpg')
  form.append('file', new Blob([new Uint8Array(bytes)], { type }), `picture.${suffix}`)
  if (image.alt !== '') form.append('description', image.alt)
  const answer = await call(caller, '/api/v2/media', { method: 'POST', body: form, timeoutMs: 60_000 })
  const id = textAt(jsonObject(answer), 'id')
  if ((answer.status === 200 || answer.status === 202) && id !== null)
    return { id, ready: answer.status === 200 }
  throw trouble(answer, [caller.token], 'picture')
}
