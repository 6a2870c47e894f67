import { Elysia } from 'elysia'
import { AccountPage } from '../../views/accounts/account.tsx'
import { ConnectPage } from '../../views/accounts/connect.tsx'
import { AccountsPage } from '../../views/accounts/list.tsx'
import { RevealPage } from '../../views/accounts/reveal.tsx'
import { NotFound } from '../errors.ts'
import type { Desk, DeskRequest, Submitted } from '../http/desk.ts'
import { type Rejected, readForm, rejection } from '../http/form.ts'
import { publicOrigin } from '../http/origin.ts'
import { allow, may } from '../permissions.ts'
import { platforms } from '../platforms/index.ts'
import type { Connected, Platform } from '../platforms/platform.ts'
import type { Services } from '../services.ts'
import { listSlots } from '../slots/find.ts'
import { changeAccount, checkAccount, removeAccount } from './accounts.ts'
import { askPlatform, saveAccount } from './connect.ts'
import { openAccount } from './credential.ts'
import { listAccounts, listArrivals, readAccount, type SocialAccount } from './find.ts'
import { AccountChange, connectable, connectablePlatform, connectionForm } from './schema.ts'

type WithId = DeskRequest & { params: { slug: string; id: string } }
type WithPlatform = DeskRequest & { params: { slug: string; platform: string } }

/** Which form of an account's page came back. */
type Back = { rename?: Rejected | undefined; reconnect?: Rejected | undefined }

export function accountsPages(services: Pick<Services, 'db' | 'outbound' | 'config'>, desk: Desk) {
  const { outbound, db, config } = services

  const show = (ctx: WithId, back: Back = {}) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        const account = await readAccount(scope, ctx.params.id)
        const platform = platforms[account.platform]
        return AccountPage({
          frame,
          account,
          platform,
          arrivals: account.platform === 'rehearsal' ? await listArrivals(scope, account.id) : [],
          feed: `${publicOrigin(ctx.request, config)}/feed/${ctx.params.slug}`,
          canManage: may(scope.actor, 'accounts.manage'),
          slots: await listSlots(scope, account.id),
          maySchedule: may(scope.actor, 'jobs.schedule'),
          ...back,
        })
      },
      back.rename || back.reconnect ? 422 : 200,
    )

  const showConnect = (ctx: WithPlatform, platform: Platform, form?: Rejected) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        allow(scope, 'accounts.manage')
        return ConnectPage({ frame, platform, form })
      },
      form ? 422 : 200,
    )

  /** Reads the form, asks for permission, then asks the platform: between two transactions, never inside one. */
  async function connect(ctx: DeskRequest, platform: Platform): Promise<Submitted<Connected>> {
    await desk.write(ctx, async scope => allow(scope, 'accounts.manage'))
    const form = readForm(ctx.body, connectionForm(platform))
    if (!form.ok) return form
    const { settings } = form.value
    return mending(ctx.body, () => askPlatform(outbound, { platform: platform.id, settings }))
  }

  const reveal = (ctx: DeskRequest, account: SocialAccount, secrets: Record<string, string>) =>
    desk.show(ctx, async (_, frame) => RevealPage({ frame, account, secrets }))

  return new Elysia()
    .get('/w/:slug/accounts', ctx =>
      desk.show(ctx, async (scope, frame) =>
        AccountsPage({
          frame,
          accounts: await listAccounts(scope),
          connectable,
          canManage: may(scope.actor, 'accounts.manage'),
        }),
      ),
    )
    .get('/w/:slug/accounts/connect/:platform', ctx => showConnect(ctx, asked(ctx)))
    .post('/w/:slug/accounts/connect/:platform', async ctx => {
      const platform = asked(ctx)
      const tried = await connect(ctx, platform)
      if (!tried.ok) return showConnect(ctx, platform, tried.rejected)
      const { value: connected } = tried
      const account = await desk.write(ctx, scope => saveAccount(scope, platform.id, connected))
      if (connected.reveal) return reveal(ctx, account, connected.reveal)
      return desk.go(ctx, `/accounts/${account.id}`, `${account.name} is connected. Posts can go there now.`)
    })
    .get('/w/:slug/accounts/:id', ctx => show(ctx))
    .post('/w/:slug/accounts/:id/name', async ctx => {
      const sent = await desk.submit(ctx, AccountChange, (scope, change) =>
        changeAccount(scope, ctx.params.id, change),
      )
      if (!sent.ok) return show(ctx, { rename: sent.rejected })
      return desk.go(ctx, `/accounts/${ctx.params.id}`, `It is called ${sent.value.name} now.`)
    })
    .post('/w/:slug/accounts/:id/reconnection', async ctx => {
      const account = await desk.read(ctx, scope => readAccount(scope, ctx.params.id))
      const platform = connectablePlatform(account.platform)
      if (!platform) throw new NotFound()
      const tried = await connect(ctx, platform)
      if (!tried.ok) return show(ctx, { reconnect: tried.rejected })
      const { value: connected } = tried
      const saved = await mending(ctx.body, () =>
        desk.write(ctx, scope => saveAccount(scope, platform.id, connected, account)),
      )
      if (!saved.ok) return show(ctx, { reconnect: saved.rejected })
      if (connected.reveal) return reveal(ctx, saved.value, connected.reveal)
      return desk.go(ctx, `/accounts/${account.id}`, `${account.name} is connected again.`)
    })
    .post('/w/:slug/accounts/:id/check', async ctx => {
      const { opened, tenantId } = await desk.write(ctx, async scope => {
        allow(scope, 'accounts.manage')
        return { opened: await openAccount(scope, ctx.params.id), tenantId: scope.tenant.id }
      })
      const { ok, message } = await checkAccount({ within: db.within, outbound }, tenantId, opened)
      const words = ok ? 'It works: the platform has just said so.' : (message ?? 'It does not answer.')
      return desk.go(ctx, `/accounts/${opened.account.id}`, words.slice(0, 600), ok ? 'good' : 'bad')
    })
    .post('/w/:slug/accounts/:id/removal', async ctx => {
      const name = await desk.write(ctx, async scope => {
        const account = await readAccount(scope, ctx.params.id)
        await removeAccount(scope, account.id)
        return account.name
      })
      return desk.go(ctx, '/accounts', `${name} is removed, and its secret is wiped. What is out stays out.`)
    })
}

function asked(ctx: WithPlatform): Platform {
  const platform = connectablePlatform(ctx.params.platform)
  if (!platform) throw new NotFound('There is no such platform to connect.')
  return platform
}

/** Runs `work`; a refusal that a person can mend by typing comes back as the form to show again. */
async function mending<T>(body: unknown, work: () => Promise<T>): Promise<Submitted<T>> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    const rejected = rejection(body, error)
    if (!rejected) throw error
    return { ok: false, rejected }
  }
}
