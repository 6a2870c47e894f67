/** Markup that is known to be safe. Only this module makes it; the JSX runtime escapes everything else. */
export class Html {
  constructor(readonly markup: string) {}
  toString(): string {
    return this.markup
  }
}

/**
 * Markup taken as it is. The only callers are our own constants (icons, the doctype) and documents made by a
 * library; `test/views.test.ts` lists the files that may import this.
 */
export const raw = (markup: string): Html => new Html(markup)

/**
 * A link that a person typed, or `#` when it is anything else than http(s) or mailto: a `javascript:` address in an
 * `href` runs as code, and no escaping changes that.
 */
export function safeUrl(typed: string | null | undefined): string {
  if (!typed) return '#'
  try {
    const url = new URL(typed)
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : '#'
  } catch {
    return '#'
  }
}
