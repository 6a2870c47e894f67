import type { Rejected } from '../../src/http/form.ts'
import type { Export } from '../../src/tenants/schema.ts'
import { complaints, wrong } from '../auth/typed.ts'
import type { Html } from '../html.ts'
import { Badge, Button, Buttons, Field, Form, Line, LinkButton, Row, Rows, Time } from '../ui/index.tsx'
import { inBytes } from './words.ts'
import type { WorkspacePageProps } from './workspace.tsx'

const labels = { passphrase: 'Passphrase', passphraseAgain: 'The same passphrase again' }

export function Exports({
  frame,
  exports,
  people,
  base,
  form,
}: Pick<WorkspacePageProps, 'frame' | 'exports' | 'people'> & {
  base: string
  form: Rejected | null
}): Html {
  const { zone } = frame.workspace
  const preparing = exports.some(({ state }) => state === 'preparing')
  // While one is being prepared its line asks for itself; without scripts the page is asked again by hand.
  const poll = preparing
    ? { 'hx-get': base, 'hx-trigger': 'every 2s', 'hx-select': '#export-list', 'hx-swap': 'outerMorph' }
    : {}
  return (
    <>
      <div id="export-list" aria-live="polite" {...poll}>
        {exports.length > 0 && (
          <Rows label="Exports of the last day">
            {exports.map(one => (
              <Row
                title={
                  <>
                    Export of <Time at={one.createdAt} zone={zone} />
                  </>
                }
                meta={
                  <Line
                    parts={[
                      one.bytes !== null && inBytes(one.bytes),
                      one.userId && `asked for by ${people[one.userId] ?? 'somebody who has left'}`,
                      one.state === 'ready' && (
                        <>
                          here until <Time at={one.expiresAt} zone={zone} bare />
                        </>
                      ),
                      one.state === 'failed' && 'It did not succeed. Prepare another one.',
                    ]}
                  />
                }
                mark={<Mark state={one.state} />}
                actions={
                  one.state === 'ready' && (
                    <LinkButton
                      href={`${base}/exports/${one.id}/file`}
                      size="small"
                      icon="download"
                      download=""
                    >
                      Download
                    </LinkButton>
                  )
                }
              />
            ))}
          </Rows>
        )}
        {preparing && (
          <noscript>
            <LinkButton href={`${base}#export`} variant="quiet" icon="refresh-cw">
              Look again
            </LinkButton>
          </noscript>
        )}
      </div>
      <Form action={`${base}/exports`} errors={complaints(form, labels)}>
        <Field
          type="password"
          name="passphrase"
          label={labels.passphrase}
          required
          minlength={12}
          autocomplete="new-password"
          hint="Twelve characters or more. Without it the file is worth nothing, and nobody can find it out for you."
          error={wrong(form, 'passphrase')}
        />
        <Field
          type="password"
          name="passphraseAgain"
          label={labels.passphraseAgain}
          required
          minlength={12}
          autocomplete="new-password"
          error={wrong(form, 'passphraseAgain')}
        />
        <Buttons>
          <Button icon="archive">Prepare an export</Button>
        </Buttons>
      </Form>
    </>
  )
}

function Mark({ state }: { state: Export['state'] }): Html | null {
  if (state === 'preparing') return <Badge>being prepared</Badge>
  if (state === 'failed') return <Badge tone="failed">failed</Badge>
  return null
}
