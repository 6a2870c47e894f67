import { makeReset, resetSeconds } from '../auth/passwords.ts'
import { email } from '../auth/schema.ts'
import type { Config } from '../config.ts'
import { NotFound, Stop } from '../errors.ts'
import { bench, print, readArgs, runCommand, withDatabase } from './command.ts'

const help = `Logins. Works while the app is running.

  bun run user reset-link <mail> [--json]
      Prints a link for a new password, one for each workspace the address has a login in.
      A link works once, for ${resetSeconds / 60} minutes; an earlier one of the same login ends.`

/** Where people reach the app, as far as the settings know. */
function origin(config: Config): string {
  if (config.publicUrl) return config.publicUrl.origin
  const host = ['0.0.0.0', '::', ''].includes(config.host) ? 'localhost' : config.host
  return `http://${host.includes(':') ? `[${host}]` : host}:${config.port}`
}

async function resetLink(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(args, { json: { type: 'boolean' } }, ['mail address'])
  const given = email.safeParse(positionals[0])
  if (!given.success) throw new Stop(`The mail address ${given.error.issues[0]?.message}.`)
  const at = bench()
  await withDatabase(at, async db => {
    const rows = await db.sql`
      select d.tenant_id from public.sign_in_directory d join public.tenants t on t.id = d.tenant_id
      where d.address_hash = ${db.hashAddress(given.data)} and t.state in ('active', 'suspended') order by t.slug`
    const links: { workspace: string; link: string; expiresAt: string }[] = []
    for (const row of rows) {
      const actor = { tenantId: row.tenant_id as string, userId: null, role: 'system' } as const
      try {
        const { slug, token, expiresAt } = await db.within(actor, async scope => ({
          slug: scope.tenant.slug,
          ...(await makeReset(scope, given.data)),
        }))
        links.push({
          workspace: slug,
          link: `${origin(at.config)}/reset/${actor.tenantId}/${token}`,
          expiresAt,
        })
      } catch (error) {
        // Removed or erased since the directory was read.
        if (!(error instanceof NotFound)) throw error
      }
    }
    if (links.length === 0) throw new Stop(`No workspace has a login for ${given.data}.`)
    if (values.json) return print(JSON.stringify(links))
    for (const { workspace, link } of links) print(`${workspace}  ${link}`)
    process.stderr.write(
      `Each link works once, within the hour, and ends all sessions of that login.${at.config.publicUrl ? '' : ' Set PUBLIC_URL if people reach Masthead at another address.'}\n`,
    )
  })
}

await runCommand(help, { 'reset-link': resetLink })
