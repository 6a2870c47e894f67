import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Html, raw, safeUrl } from '../views/html.ts'
import { jsx } from '../views/jsx-runtime.ts'
import { sourceFiles } from './sources.ts'
import { asAttribute, asText, unprintable } from './views-traps.tsx'

const hostile = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '</p></textarea></title></select><svg onload=alert(1)>',
  '"><svg onload=alert(1)>',
  "'><svg onload=alert(1)>",
  '" onmouseover="alert(1)',
  "' onmouseover='alert(1)",
  '" x="<svg onload=alert(1)>',
  '<!-- --><svg onload=alert(1)>',
  '&lt;svg onload=alert(1)&gt;',
  '&#60;svg&#62;',
  '{{1}} #{1} <%= 1 %>',
  '\u0000<svg onload=alert(1)>',
  '<Html><b>x</b></Html>',
]

interface Read {
  elements: Set<string>
  attributes: Set<string>
  values: string[]
}

/** Reads markup as an HTML parser does. */
function read(markup: string): Read {
  const found: Read = { elements: new Set(), attributes: new Set(), values: [] }
  new HTMLRewriter()
    .on('*', {
      element(element) {
        found.elements.add(element.tagName)
        for (const [name, value] of element.attributes) {
          found.attributes.add(name)
          found.values.push(value)
        }
      },
    })
    .transform(markup)
  return found
}

/** What a browser makes of an attribute's value as it is written. */
const decoded = (value: string) =>
  value.replace(/&(amp|lt|gt|quot|apos|#\d+|#x[0-9a-f]+);/gi, (_, name: string) => {
    const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
    return named[name] ?? String.fromCodePoint(Number(name.slice(1).replace(/^x/i, '0x')))
  })

describe('text that somebody typed', () => {
  test.each(Object.keys(asText))('as %s stays text', trap => {
    const view = asText[trap]
    if (!view) throw new Error('no such trap')
    const plain = read(view('plain').markup)
    for (const typed of hostile) {
      const page = read(view(typed).markup)
      expect({ typed, elements: [...page.elements] }).toEqual({ typed, elements: [...plain.elements] })
      expect({ typed, attributes: [...page.attributes] }).toEqual({
        typed,
        attributes: [...plain.attributes],
      })
    }
  })

  test.each(Object.keys(asAttribute))('as the attribute %s stays inside it', trap => {
    const view = asAttribute[trap]
    if (!view) throw new Error('no such trap')
    const plain = read(view('plain').markup)
    for (const typed of hostile) {
      const page = read(view(typed).markup)
      expect({ typed, elements: [...page.elements] }).toEqual({ typed, elements: [...plain.elements] })
      expect({ typed, attributes: [...page.attributes] }).toEqual({
        typed,
        attributes: [...plain.attributes],
      })
    }
  })

  test('comes back from a field exactly as it was typed', () => {
    for (const typed of [...hostile, 'Fish &amp; chips', '&quot;', 'a=1&copy=2&lt', '&&amp;&'])
      expect(decoded(read(jsx('input', { value: typed }).markup).values[0] ?? '')).toBe(typed)
  })

  test('never becomes the name of an attribute', () => {
    for (const name of ['onload=alert(1) x', 'x><script>', 'a b', '"', 'x/'])
      expect(() => jsx('p', { [name]: 'x' })).toThrow(TypeError)
  })
})

test.each(Object.keys(unprintable))('%s is not printed', trap => {
  expect(() => unprintable[trap]?.()).toThrow(TypeError)
})

describe('links that somebody typed', () => {
  test.each([
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
    'java\nscript:alert(1)',
    '\u0001javascript:alert(1)',
    'javascript&colon;alert(1)',
    'javascript&#58;alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'blob:https://example.com/x',
    'file:///etc/passwd',
    'view-source:https://example.com',
    '//evil.example',
    '/path',
    'example.com',
    '',
    'https://',
  ])('%p leads nowhere', typed => {
    expect(safeUrl(typed)).toBe('#')
  })

  test('what people mean stays', () => {
    expect(safeUrl('https://example.com/a?b=1&c=2#d')).toBe('https://example.com/a?b=1&c=2#d')
    expect(safeUrl('http://example.com')).toBe('http://example.com/')
    expect(safeUrl('mailto:ann@example.com')).toBe('mailto:ann@example.com')
    expect(safeUrl(null)).toBe('#')
    expect(safeUrl('https://example.com/"><script>')).not.toContain('"')
  })
})

describe('the sources', () => {
  test('markup that is taken as it is has two makers, and both make constants', () => {
    const users = sourceFiles(['src', 'views'], /\.tsx?$/).filter(({ path, text }) => {
      if (path === 'views/html.ts') return false
      return /import\s*(?:type\s*)?\{[^}]*\braw\b[^}]*\}\s*from\s*'[^']*html\.ts'/.test(text)
    })
    expect(users.map(({ path }) => path).sort()).toEqual(['views/ui/document.tsx', 'views/ui/icon.tsx'])
    const makers = sourceFiles(['src', 'views'], /\.tsx?$/).filter(({ text }) => /new Html\(/.test(text))
    expect(makers.map(({ path }) => path).sort()).toEqual(['views/html.ts', 'views/jsx-runtime.ts'])
  })

  test('no file goes round the runtime or the compiler', () => {
    for (const { path, text } of sourceFiles(['src', 'views'], /\.tsx?$/)) {
      expect({ path, pragma: /@jsx(?:ImportSource|Runtime)?\b/.test(text) }).toEqual({ path, pragma: false })
      expect({ path, other: /from '@(?:kitajs|elysiajs)\/html'/.test(text) }).toEqual({
        path,
        other: path === 'views/jsx-runtime.ts',
      })
      expect({ path, cast: /as unknown as Html|as Html\b/.test(text) }).toEqual({ path, cast: false })
    }
    const { compilerOptions } = JSON.parse(
      readFileSync(join(import.meta.dir, '../tsconfig.json'), 'utf8'),
    ) as { compilerOptions: { jsxImportSource: string } }
    expect(compilerOptions.jsxImportSource).toBe('masthead-jsx')
  })

  test('only Html passes: the same shape from a database or a request does not', () => {
    expect(raw('<b>x</b>')).toBeInstanceOf(Html)
    expect(() => jsx('p', { children: JSON.parse('{"markup":"<b>"}') })).toThrow(TypeError)
  })
})
