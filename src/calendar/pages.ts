import { Elysia } from 'elysia'
import { MovedMonth } from '../../views/calendar/moved.tsx'
import { CalendarMonth, CalendarPage } from '../../views/calendar/page.tsx'
import { TodayPage } from '../../views/today/page.tsx'
import { listAccounts } from '../accounts/find.ts'
import { brakeChoices } from '../brakes/find.ts'
import type { Scope } from '../db/scope.ts'
import type { Desk } from '../http/desk.ts'
import { page } from '../http/page.ts'
import { may } from '../permissions.ts'
import { countMonth, readFreeSlots, readGrid, readMonth, readMonthList } from './find.ts'
import { moveToDay } from './moves.ts'
import { CalendarView, DayMove } from './schema.ts'
import { readToday } from './today.ts'

/** Today, the calendar, and moving a job within it. */
export function calendarPages(desk: Desk) {
  return new Elysia()
    .get('/w/:slug', ctx =>
      desk.show(ctx, async (scope, frame) =>
        TodayPage({
          frame,
          today: await readToday(scope, frame.workspace.zone),
          maySchedule: may(scope.actor, 'jobs.schedule'),
          mayConnect: may(scope.actor, 'accounts.manage'),
          brakeChoices: may(scope.actor, 'brakes.use') ? await brakeChoices(scope) : null,
        }),
      ),
    )
    .get('/w/:slug/calendar', ctx => {
      const view = CalendarView.parse(ctx.query)
      return desk.show(ctx, async (scope, frame) => {
        const { zone } = frame.workspace
        const asked = await readGrid(scope, zone, view.day?.slice(0, 7) ?? view.month)
        const [counts, accounts, free, jobs] = await Promise.all([
          countMonth(scope, asked.grid, zone, view.account),
          listAccounts(scope),
          readFreeSlots(scope, asked.grid, zone, view),
          view.view === 'list'
            ? readMonthList(scope, asked.grid, zone, view)
            : readMonth(scope, asked.grid, zone, view),
        ])
        return CalendarPage({
          frame,
          view,
          ...asked,
          counts,
          accounts,
          free,
          jobs,
          maySchedule: may(scope.actor, 'jobs.schedule'),
        })
      })
    })
    .post('/w/:slug/calendar/moves', async ctx => {
      const moved = await desk.submit(ctx, DayMove, moveToDay)
      const view = CalendarView.parse(ctx.query)
      const said = moved.ok
        ? `Moved to ${moved.value.local.replace('T', ' at ')} (${moved.value.zone}).`
        : moved.rejected.message
      const kind = moved.ok ? 'good' : 'bad'
      if (!ctx.request.headers.has('hx-request'))
        return desk.go(ctx, `/calendar${view.month ? `?month=${view.month}` : ''}`, said, kind)
      const month = await desk.read(ctx, (scope, visit) => drawMonth(scope, visit.workspace, view))
      return page(MovedMonth({ month, said, kind }), moved.ok ? 200 : 422)
    })
}

async function drawMonth(scope: Scope, workspace: { slug: string; zone: string }, view: CalendarView) {
  const asked = await readGrid(scope, workspace.zone, view.month)
  const jobs = await readMonth(scope, asked.grid, workspace.zone, view)
  return CalendarMonth({
    workspace,
    view,
    ...asked,
    days: jobs.days,
    free: await readFreeSlots(scope, asked.grid, workspace.zone, view),
    maySchedule: may(scope.actor, 'jobs.schedule'),
  })
}
