import type { Html } from '../html.ts'
import { ActionButton, Badge, Button, Line, Row, Rows, Time } from '../ui/index.tsx'
import type { SettingsProps } from './settings.tsx'

const browsers: readonly [RegExp, string][] = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\//, 'Firefox'],
  [/Chrom(e|ium)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
]
const systems: readonly [RegExp, string][] = [
  [/iPhone|iPad/, 'iOS'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
]

/** What a client calls itself, in two words. It may say what it likes, so this is a hint, no proof. */
function describe(agent: string): string {
  const browser = browsers.find(([pattern]) => pattern.test(agent))?.[1]
  const system = systems.find(([pattern]) => pattern.test(agent))?.[1]
  if (browser) return system ? `${browser} on ${system}` : browser
  return agent.slice(0, 60) || 'An unnamed program'
}

export function Sessions({
  frame,
  sessions,
  sessionId,
}: Pick<SettingsProps, 'frame' | 'sessions' | 'sessionId'>): Html {
  const base = `/w/${frame.workspace.slug}/settings/sessions`
  const { zone } = frame.workspace
  return (
    <>
      <Rows label="Your sessions">
        {sessions.map(({ id, agent, door, createdAt, expiresAt }) => (
          <Row
            title={describe(agent)}
            meta={
              <Line
                parts={[
                  door === 'api' && 'API token',
                  <>
                    since <Time at={createdAt} zone={zone} />
                  </>,
                  <>
                    until <Time at={expiresAt} zone={zone} shape="day" bare />
                  </>,
                ]}
              />
            }
            mark={id === sessionId && <Badge>this one</Badge>}
            actions={
              id !== sessionId && (
                <ActionButton action={`${base}/${id}/removal`} variant="quiet" size="small">
                  End
                </ActionButton>
              )
            }
          />
        ))}
      </Rows>
      {sessions.length > 1 && (
        <form class="buttons" method="post" action={`${base}/removal`}>
          <Button>End all others</Button>
        </form>
      )}
    </>
  )
}
