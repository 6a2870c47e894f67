/** One message of an event stream. */
export interface Told {
  event: string
  data: { id?: string; type?: string }
  id: string
}

/** An event stream as a client reads it. */
export interface Listened {
  status: number
  told: Told[]
  /** Resolves once `test` holds for what was told; rejects after 15 s with all of it. */
  until(test: (told: Told[]) => boolean): Promise<void>
  /** Resolves when the server ends the stream. */
  ended: Promise<void>
  isOpen(): boolean
  leave(): Promise<void>
}

export async function listenTo(response: Response): Promise<Listened> {
  const told: Told[] = []
  let open = response.ok
  const changed = new EventTarget()
  const reader = response.body?.pipeThrough(new TextDecoderStream() as never).getReader()
  const ended = (async () => {
    let rest = ''
    try {
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: '' }
        if (done) break
        const blocks = (rest + value).split('\n\n')
        rest = blocks.pop() ?? ''
        for (const block of blocks) {
          const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
          if (field('event'))
            told.push({ event: field('event'), data: JSON.parse(field('data')), id: field('id') })
        }
        changed.dispatchEvent(new Event('told'))
      }
    } finally {
      open = false
    }
  })()
  ended.catch(() => {})
  return {
    status: response.status,
    told,
    ended,
    isOpen: () => open,
    async until(test) {
      const limit = Date.now() + 15_000
      while (!test(told)) {
        if (Date.now() > limit) throw new Error(`It was never told, but: ${JSON.stringify(told)}`)
        await Promise.race([
          new Promise(resolve => changed.addEventListener('told', resolve, { once: true })),
          Bun.sleep(200),
        ])
      }
    },
    leave: async () => void (await reader?.cancel()),
  }
}
