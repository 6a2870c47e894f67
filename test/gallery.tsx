/** Shows every part of the design with the data of a small roastery. For development: `bun test/gallery.tsx [port]`. */
import { join } from 'node:path'
import type { Html } from '../views/html.ts'
import { pages } from './gallery-pages.tsx'

const root = join(import.meta.dir, '..')
const pack = (file: string): string => join(root, 'node_modules', file)
const fonts = (family: string, file: string): string =>
  pack(`@fontsource-variable/${family}/files/${file}.woff2`)
const files: Record<string, string> = {
  '/public/htmx.js': pack('htmx.org/dist/htmx.min.js'),
  '/public/fonts/inter.woff2': fonts('inter', 'inter-latin-wght-normal'),
  '/public/fonts/inter-ext.woff2': fonts('inter', 'inter-latin-ext-wght-normal'),
  '/public/fonts/newsreader.woff2': fonts('newsreader', 'newsreader-latin-opsz-normal'),
  '/public/fonts/newsreader-italic.woff2': fonts('newsreader', 'newsreader-latin-wght-italic'),
  '/public/fonts/newsreader-ext.woff2': fonts('newsreader', 'newsreader-latin-ext-opsz-normal'),
}
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
const answer = (body: Html, status = 200): Response =>
  new Response(body.markup, {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy },
  })

const picture = (name: string): string => {
  const inks: Record<string, string[]> = {
    roast: ['#d9b38c', '#a34b2c', '#2d2a32'],
    cups: ['#9db7b0', '#3d5a55', '#1d2322'],
    bar: ['#e6c79c', '#6b4a33', '#2b1d14'],
  }
  const [a = '', b = '', c = ''] = inks[name] ?? inks.roast ?? []
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 600"><defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="${a}"/><stop offset=".55" stop-color="${b}"/><stop offset="1" stop-color="${c}"/></linearGradient></defs><rect width="900" height="600" fill="url(#g)"/><circle cx="640" cy="330" r="150" fill="${c}" opacity=".55"/><circle cx="640" cy="330" r="112" fill="${b}"/><path d="M0 520q220-90 460-30t440-40v150H0z" fill="${c}" opacity=".6"/></svg>`
}

const server = Bun.serve({
  port: Number(process.argv[2] ?? 0),
  hostname: '127.0.0.1',
  async fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname === '/public/text.js') {
      const source = await Bun.file(join(root, 'src/lib/text.ts')).text()
      const script = new Bun.Transpiler({ loader: 'ts' }).transformSync(source)
      return new Response(script, { headers: { 'content-type': 'text/javascript' } })
    }
    const mapped = files[pathname]
    if (mapped) return new Response(Bun.file(mapped))
    if (/^\/public\/[\w./-]+$/.test(pathname) && !pathname.includes('..'))
      return new Response(Bun.file(root + pathname))
    if (pathname.startsWith('/demo/'))
      return new Response(picture(pathname.slice(6)), { headers: { 'content-type': 'image/svg+xml' } })
    const page = pages[pathname.slice(1) || 'today']
    return page ? answer(page()) : new Response('Not here', { status: 404 })
  },
})
console.log(`Gallery on ${server.url}: ${Object.keys(pages).join(' ')}`)
