import { Elysia } from 'elysia'
import { HelpPage } from '../../views/publishing/help.tsx'
import { NotFound } from '../errors.ts'
import { page } from '../http/page.ts'
import { platforms } from '../platforms/index.ts'
import { platformIds } from '../platforms/platform.ts'

/** What each failure of a platform means. The same for everybody, so it asks for no session. */
export function helpPages() {
  return new Elysia().get('/help/:platform', ({ params }) => {
    const id = platformIds.find(known => known === params.platform)
    if (!id) throw new NotFound()
    return page(HelpPage({ id, name: platforms[id].name }))
  })
}
