import { may, type Permission, type Role } from '../../src/permissions.ts'
import type { Html } from '../html.ts'
import { Avatar } from './bits.tsx'
import { Icon, type IconName } from './icon.tsx'

export interface RailProps {
  workspace: { slug: string; name: string; zone: string }
  user: { name: string; role: Role }
  /** The request's path, to mark where one is. */
  path: string
  counts: { review: number; notifications: number }
  /** Where the sign-out form posts. Default `/w/<slug>/sign-out`. */
  signOut?: string | undefined
}

interface Place {
  at: string
  label: string
  icon: IconName
  count?: 'review' | 'notifications'
  /** Shown to those alone who may do this: the page would refuse the others. */
  needs?: Permission
}
const daily: readonly Place[] = [
  { at: '', label: 'Today', icon: 'newspaper' },
  { at: '/calendar', label: 'Calendar', icon: 'calendar-days' },
  { at: '/content', label: 'Content', icon: 'pen-line' },
  { at: '/review', label: 'Review', icon: 'folder-check', count: 'review' },
]
const more: readonly Place[] = [
  { at: '/media', label: 'Media', icon: 'images' },
  { at: '/workflows', label: 'Workflows', icon: 'workflow', needs: 'workflows.manage' },
]
const desk: readonly Place[] = [
  { at: '/accounts', label: 'Accounts', icon: 'at-sign' },
  { at: '/people', label: 'People', icon: 'users' },
  { at: '/settings', label: 'Settings', icon: 'settings-2' },
]

function Places({ places, props }: { places: readonly Place[]; props: RailProps }): Html {
  const base = `/w/${props.workspace.slug}`
  const here = (at: string): boolean =>
    at === ''
      ? props.path === base || props.path === `${base}/`
      : props.path === base + at || props.path.startsWith(`${base}${at}/`)
  const shown = places.filter(({ needs }) => !needs || may(props.user, needs))
  return (
    <>
      {shown.map(({ at, label, icon, count }) => (
        <li>
          <a href={base + at || '/'} aria-current={here(at) ? 'page' : undefined}>
            <Icon name={icon} /> <span>{label}</span>
            {count && props.counts[count] > 0 && (
              <b class="num">
                {props.counts[count]}
                <span class="unseen"> waiting</span>
              </b>
            )}
          </a>
        </li>
      ))}
    </>
  )
}

function You({ props }: { props: RailProps }): Html {
  const base = `/w/${props.workspace.slug}`
  return (
    <div class="you">
      <Avatar name={props.user.name} size="small" />
      <a class="you-name" href={`${base}/settings#you`}>
        <b dir="auto">{props.user.name}</b>
        <small>{props.user.role}</small>
      </a>
      <form method="post" action={props.signOut ?? `${base}/sign-out`}>
        <button type="submit" class="btn btn-quiet btn-icon" aria-label="Sign out" title="Sign out">
          <Icon name="log-out" />
        </button>
      </form>
    </div>
  )
}

/**
 * The masthead: name, workspace and the way to every page. A column on a desk; on a phone a bar at the foot, whose last
 * place opens a drawer without a script.
 */
export function Rail(props: RailProps): Html {
  const base = `/w/${props.workspace.slug}`
  const workspace = props.workspace
  return (
    <header class="rail">
      <p class="rail-name">
        <a href={base}>Masthead</a>
        <small dir="auto" title={workspace.name}>
          {workspace.name}
        </small>
      </p>
      <nav aria-label="Main">
        <ul class="rail-daily" id="places">
          <Places places={daily} props={props} />
        </ul>
        <ul class="rail-rest">
          <Places places={more} props={props} />
        </ul>
        <ul class="rail-rest rail-desk">
          <Places places={desk} props={props} />
        </ul>
        <details class="rail-more" data-popover>
          <summary>
            <Icon name="menu" /> <span>More</span>
          </summary>
          <div class="drawer">
            <ul>
              <Places places={[...more, ...desk]} props={props} />
            </ul>
            <You props={props} />
          </div>
        </details>
      </nav>
      <You props={props} />
    </header>
  )
}
