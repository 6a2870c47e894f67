/** The failures of `docs/platforms/*.md`, written from the catalogue. Run by itself it puts them into the files. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chaptersOf, outcomeWords } from '../src/platforms/catalogue/chapters.ts'
import { platforms } from '../src/platforms/index.ts'
import { type PlatformId, platformIds } from '../src/platforms/platform.ts'

const [begin, end] = ['<!-- failures: written by test/failure-docs.ts -->', '<!-- end of failures -->']
export const docFile = (platform: PlatformId) =>
  join(import.meta.dir, '..', 'docs', 'platforms', `${platform}.md`)

/** The part between the marks. */
export function failuresOf(platform: PlatformId): string {
  return chaptersOf(platform, platforms[platform].name)
    .map(({ title, entries }) =>
      [
        `## ${title}`,
        ...Object.entries(entries).map(
          ([code, { cause, next, outcome, more }]) =>
            `### ${code}\n${cause} *Then:* ${outcomeWords[outcome]}. *What to do:* ${next}${more ? ` See <${more}>.` : ''}`,
        ),
      ].join('\n\n'),
    )
    .join('\n\n')
}

/** What stands between the marks now; null where the marks are missing. */
export function writtenIn(platform: PlatformId): string | null {
  const text = readFileSync(docFile(platform), 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  return from < 0 || to < from ? null : text.slice(from + begin.length, to).trim()
}

if (import.meta.main)
  for (const platform of platformIds) {
    const text = readFileSync(docFile(platform), 'utf8')
    const [from, to] = [text.indexOf(begin), text.indexOf(end)]
    const [before, after] =
      from < 0 ? [text.trimEnd(), ''] : [text.slice(0, from).trimEnd(), text.slice(to + end.length)]
    writeFileSync(
      docFile(platform),
      `${before}\n\n${begin}\n\n${failuresOf(platform)}\n\n${end}\n${after.trimStart()}`,
    )
  }
