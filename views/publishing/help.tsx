import { chaptersOf, outcomeWords } from '../../src/platforms/catalogue/chapters.ts'
import type { PlatformId } from '../../src/platforms/platform.ts'
import type { Html } from '../html.ts'
import { PlainLayout } from '../layout.tsx'
import { Badge, Block, Line, PageHead, Row, Rows } from '../ui/index.tsx'

const tones = {
  retry: 'review',
  rejected: 'failed',
  reconnect: 'failed',
  unconfirmed: 'unsure',
  held: 'held',
  cancelled: 'held',
} as const

/** Every failure that a platform's posts can meet: the cause, what is done about it, and what a person can do. */
export function HelpPage({ id, name }: { id: PlatformId; name: string }): Html {
  const chapters = chaptersOf(id, name)
  return (
    <PlainLayout title={`${name}: what failures mean`} wide>
      <PageHead title={`${name}: what failures mean`} note="A post’s page links to its own failure here." />
      <nav class="chapters" aria-label="Chapters">
        <ul>
          {chapters.map(({ title, entries }) => (
            <li>
              <a href={`#${slugOf(title)}`}>{title}</a>{' '}
              <small class="num">{Object.keys(entries).length}</small>
            </li>
          ))}
        </ul>
      </nav>
      <div class="failures">
        {chapters.map(({ title, entries }) => (
          <Block title={title} id={slugOf(title)}>
            <Rows label={title}>
              {Object.entries(entries).map(([code, { cause, next, outcome, more }]) => (
                <Row
                  id={code}
                  title={cause}
                  meta={
                    <>
                      <p>{next}</p>
                      <Line
                        parts={[
                          <code>{code}</code>,
                          more && (
                            <a href={more} rel="noreferrer">
                              {new URL(more).host}
                            </a>
                          ),
                        ]}
                      />
                    </>
                  }
                  mark={<Badge tone={tones[outcome]}>{outcomeWords[outcome]}</Badge>}
                />
              ))}
            </Rows>
          </Block>
        ))}
      </div>
    </PlainLayout>
  )
}

/** `The post does not fit` → `the-post-does-not-fit`: with hyphens, so that no code of a failure is the same. */
const slugOf = (title: string): string => title.toLowerCase().replaceAll(' ', '-')
