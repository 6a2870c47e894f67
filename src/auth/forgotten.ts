import { publicBase } from '../config.ts'
import { NotFound } from '../errors.ts'
import { resetLetter } from '../mail/letters.ts'
import { postMails } from '../mail/outbox.ts'
import type { Services } from '../services.ts'
import { makeReset } from './passwords.ts'
import { answerEvenly, workspacesOf } from './sign-in.ts'

/**
 * Mails a link for a new password for each login of an address, in `slug` or wherever it has one. Takes as long, and
 * says as much, whether there is one or not. The links lead to PUBLIC_URL and never to the host that this request
 * named: who asks is nobody yet, and could name their own.
 */
export async function mailResets(
  { db, config }: Pick<Services, 'db' | 'config'>,
  { email, slug }: { email: string; slug?: string | undefined },
): Promise<void> {
  const typed = email.trim().toLowerCase()
  await answerEvenly(async () => {
    for (const tenant of await workspacesOf(db, typed, slug)) {
      await db
        .within({ tenantId: tenant.id, userId: null, role: 'system' }, async scope => {
          const reset = await makeReset(scope, typed)
          const [workspace] = await scope.sql`select name from workspace`
          await postMails(scope, [
            {
              purpose: 'reset',
              to: reset.email,
              userId: reset.userId,
              subjectId: reset.id,
              letter: resetLetter({
                workspace: workspace?.name as string,
                link: `${publicBase(config)}/reset/${tenant.id}/${reset.token}`,
              }),
            },
          ])
        })
        .catch(error => {
          // Removed since the directory was read.
          if (!(error instanceof NotFound)) throw error
        })
    }
  })
}
