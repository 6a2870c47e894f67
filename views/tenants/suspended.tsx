import type { Suspended } from '../../src/errors.ts'
import type { Html } from '../html.ts'
import { ErrorPage, PlainLayout } from '../layout.tsx'
import { ActionButton, LinkButton, Time } from '../ui/index.tsx'

/** What everybody of a suspended workspace meets at every address of it; its owners can do something about it. */
export function SuspendedPage({
  suspended: { reason, eraseAfter, visitor },
}: {
  suspended: Pick<Suspended, 'reason' | 'eraseAfter' | 'visitor'>
}): Html {
  const title = eraseAfter ? 'This workspace is closed' : 'This workspace is suspended'
  return (
    <PlainLayout title={title}>
      <ErrorPage status={403} title={title} actions={<Ways visitor={visitor} erased={eraseAfter !== null} />}>
        {visitor && (
          <p dir="auto">
            <strong>{visitor.workspace}</strong>
          </p>
        )}
        {reason && <p dir="auto">{reason}</p>}
        {eraseAfter && visitor && (
          <p>
            It will be erased after <Time at={eraseAfter} zone={visitor.zone} />.{' '}
            {visitor.owner
              ? 'Until then you can keep it, or take an export along.'
              : 'Until then an owner can keep it.'}
          </p>
        )}
        <p>
          Nothing goes out meanwhile, and nothing is lost. {whomToAsk(visitor?.owner === true, eraseAfter)}
        </p>
      </ErrorPage>
    </PlainLayout>
  )
}

function whomToAsk(owner: boolean, eraseAfter: Date | null): string {
  if (owner)
    return eraseAfter
      ? 'What falls due until you keep it waits for your word.'
      : 'Whoever runs this Masthead can resume it; you can take an export along.'
  return eraseAfter
    ? 'Ask an owner of the workspace.'
    : 'Ask an owner of the workspace, or whoever runs this Masthead.'
}

function Ways({ visitor, erased }: { visitor: Suspended['visitor']; erased: boolean }): Html {
  if (!visitor?.owner)
    return (
      <LinkButton href="/sign-in" variant="main">
        Sign in to another workspace
      </LinkButton>
    )
  const base = `/w/${visitor.slug}`
  return (
    <>
      {erased && (
        <ActionButton action={`${base}/workspace/erasure/removal`} variant="main" icon="undo-2">
          Keep the workspace
        </ActionButton>
      )}
      <LinkButton href={`${base}/workspace`} variant={erased ? 'plain' : 'main'}>
        {erased ? 'Take an export' : 'Export and more'}
      </LinkButton>
      <ActionButton action={`${base}/sign-out`} variant="quiet">
        Sign out
      </ActionButton>
    </>
  )
}
