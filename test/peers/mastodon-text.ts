/** How Mastodon counts a status and what it makes of plain text. Source: mastodon/mastodon, status_length_validator and text_formatter. */

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
const links = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)'\]]/gu
const remoteMentions = /(?<![\w/])@(\w+)@[\w.-]+\w/gu

/** Grapheme clusters of content warning and text; a link counts 23, a remote mention without its domain. */
export function countCharacters(text: string, spoiler = ''): number {
  const counted = (spoiler + text).replace(links, 'x'.repeat(23)).replace(remoteMentions, '@$1')
  return [...segmenter.segment(counted)].length
}

const escapeHtml = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')

/** The anchor Mastodon makes: scheme and `www.` hidden, at most 30 characters shown. */
function anchor(url: string): string {
  const prefix = /^https?:\/\/(?:www\.)?/.exec(url)?.[0] ?? ''
  const shown = url.slice(prefix.length, prefix.length + 30)
  const rest = url.slice(prefix.length + 30)
  const style = rest ? 'ellipsis' : ''
  return (
    `<a href="${escapeHtml(url)}" target="_blank" rel="nofollow noopener" translate="no"><span class="invisible">${escapeHtml(prefix)}</span>` +
    `<span class="${style}">${escapeHtml(shown)}</span><span class="invisible">${escapeHtml(rest)}</span></a>`
  )
}

/** Status text as the HTML of `content`: paragraphs, line breaks, links and hashtags; everything else escaped. */
export function toHtml(text: string, site: string): string {
  const hashtags = (plain: string) =>
    escapeHtml(plain).replace(/(?<![\w&/])#(\p{L}[\p{L}\p{N}_]*)/gu, (_, tag: string) => {
      const href = `${site}/tags/${encodeURIComponent(tag.toLowerCase())}`
      return `<a href="${href}" class="mention hashtag" rel="tag">#<span>${tag}</span></a>`
    })
  const inline = (line: string) => {
    let html = ''
    let from = 0
    for (const match of line.matchAll(links)) {
      html += hashtags(line.slice(from, match.index)) + anchor(match[0])
      from = match.index + match[0].length
    }
    return html + hashtags(line.slice(from))
  }
  return text
    .trim()
    .split(/\n{2,}/)
    .map(paragraph => `<p>${paragraph.split('\n').map(inline).join('<br />')}</p>`)
    .join('')
}
