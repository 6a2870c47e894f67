import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { Elysia } from 'elysia'
import { NotFound } from '../errors.ts'

const root = join(import.meta.dir, '../..')

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
}

/** Browser files that come out of packages, under the names our pages use. */
const fromPackages: Record<string, string> = {
  'htmx.js': 'node_modules/htmx.org/dist/htmx.min.js',
  'hx-sse.js': 'node_modules/htmx.org/dist/ext/hx-sse.min.js',
  'fonts/inter.woff2': 'node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2',
  'fonts/inter-ext.woff2': 'node_modules/@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2',
  'fonts/newsreader.woff2':
    'node_modules/@fontsource-variable/newsreader/files/newsreader-latin-opsz-normal.woff2',
  'fonts/newsreader-ext.woff2':
    'node_modules/@fontsource-variable/newsreader/files/newsreader-latin-ext-opsz-normal.woff2',
  'fonts/newsreader-italic.woff2':
    'node_modules/@fontsource-variable/newsreader/files/newsreader-latin-wght-italic.woff2',
}

interface Asset {
  bytes: Uint8Array<ArrayBuffer>
  zipped: Uint8Array<ArrayBuffer> | null
  type: string
  etag: string
}

/** The files of `public/` and of the packages, read once at start, with an ETag and a gzipped twin. */
export function assets() {
  const files = readAssets()
  return new Elysia({ name: 'assets' }).get('/public/*', ({ params, request }) => {
    const asset = files.get(params['*'])
    if (!asset) throw new NotFound()
    const headers: Record<string, string> = {
      'content-type': asset.type,
      etag: asset.etag,
      'cache-control':
        asset.type === 'font/woff2' ? 'public, max-age=31536000, immutable' : 'public, no-cache',
      vary: 'accept-encoding',
    }
    if (request.headers.get('if-none-match') === asset.etag)
      return new Response(null, { status: 304, headers })
    if (asset.zipped && request.headers.get('accept-encoding')?.includes('gzip'))
      return new Response(asset.zipped, { headers: { ...headers, 'content-encoding': 'gzip' } })
    return new Response(asset.bytes, { headers })
  })
}

function readAssets(): Map<string, Asset> {
  const files = new Map<string, Asset>()
  const folder = join(root, 'public')
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(folder.length + 1).replaceAll('\\', '/')
    files.set(name, asset(name, name === 'css/index.css' ? gathered(path) : readFileSync(path)))
  }
  for (const [name, path] of Object.entries(fromPackages))
    files.set(name, asset(name, readFileSync(join(root, path))))
  for (const name of ['text', 'slug'])
    files.set(`${name}.js`, asset(`${name}.js`, browserModule(`src/lib/${name}.ts`)))
  return files
}

/** One stylesheet for the browser, one file a component for us: the imports are put in place, in their order. */
function gathered(path: string): Buffer {
  const css = readFileSync(path, 'utf8').replace(
    /@import\s+(?:url\()?["']([^"']+)["']\)?\s*(layer\(([^)]+)\))?;/g,
    (_, file: string, _layer, layer: string | undefined) => {
      const text = readFileSync(join(path, '..', file), 'utf8')
      return layer ? `@layer ${layer} {\n${text}\n}` : text
    },
  )
  return Buffer.from(css)
}

/** A module that server and browser share, with its types taken off. */
function browserModule(path: string): Buffer {
  return Buffer.from(
    new Bun.Transpiler({ loader: 'ts', target: 'browser' }).transformSync(
      readFileSync(join(root, path), 'utf8'),
    ),
  )
}

function asset(name: string, content: Buffer): Asset {
  const bytes = new Uint8Array(content)
  const type = types[extname(name)] ?? 'application/octet-stream'
  const zipped = /text|javascript|svg|json/.test(type) ? Bun.gzipSync(bytes) : null
  return {
    bytes,
    zipped,
    type,
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
  }
}
