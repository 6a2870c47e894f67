import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'

/** A list divided by hairlines. */
export function Rows({
  children,
  label,
  id,
}: {
  children?: Child
  label?: string | undefined
  id?: string | undefined
}): Html {
  return (
    <ul class="rows" aria-label={label} id={id}>
      {children}
    </ul>
  )
}

/**
 * One thing in a list. `lead`: a time, avatar or thumbnail. `title` links to `href`, and so does the whole row for a
 * pointer. `meta`: a soft line below. `mark`: its state, at the end. `actions`: buttons, outside the link.
 */
export function Row({
  href,
  lead,
  title,
  meta,
  mark,
  actions,
  id,
  unread = false,
}: {
  href?: string | undefined
  lead?: Child
  title: Child
  meta?: Child
  mark?: Child
  actions?: Child
  id?: string | undefined
  unread?: boolean | undefined
}): Html {
  return (
    <li class={['row', href && 'row-link', Boolean(lead) && 'row-led', unread && 'row-unread']} id={id}>
      {lead && <div class="row-lead">{lead}</div>}
      <div class="row-main">
        <p class="row-title" dir="auto">
          {unread && <span class="unseen">New: </span>}
          {href ? <a href={href}>{title}</a> : title}
        </p>
        {meta && <div class="row-meta">{meta}</div>}
      </div>
      {mark && <div class="row-mark">{mark}</div>}
      {actions && <div class="row-actions buttons">{actions}</div>}
    </li>
  )
}

/** A day's or month's heading inside a list. `note` is soft, beside it ("today"). */
export function ListHeading({
  children,
  note,
  id,
}: {
  children?: Child
  note?: Child
  id?: string | undefined
}): Html {
  return (
    <h2 class="list-heading" id={id}>
      <span>{children}</span> {note && <small>{note}</small>}
    </h2>
  )
}

/** Parts of a soft line, divided by middle dots; empty ones are left out. */
export function Line({ parts }: { parts: readonly Child[] }): Html {
  return (
    <span class="line">
      {parts
        .filter(part => part !== null && part !== undefined && part !== false && part !== '')
        .map(part => (
          <span>{part}</span>
        ))}
    </span>
  )
}

export interface Column {
  head: string
  /** Numbers and times stand right. */
  number?: boolean | undefined
  hideHead?: boolean | undefined
}

/** Figures in columns. On a phone each row becomes a block whose cells name their column. */
export function Table({
  caption,
  columns,
  rows,
  showCaption = false,
}: {
  caption: string
  columns: readonly Column[]
  rows: readonly (readonly Child[])[]
  showCaption?: boolean | undefined
}): Html {
  return (
    <table class="table">
      <caption class={showCaption ? undefined : 'unseen'}>{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ head, number, hideHead }) => (
            <th scope="col" class={number || hideHead ? 'end' : undefined}>
              {hideHead ? <span class="unseen">{head}</span> : head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(cells => (
          <tr>
            {cells.map((cell, index) => (
              <td
                class={[
                  (columns[index]?.number || columns[index]?.hideHead) && 'end',
                  columns[index]?.number && 'num',
                ]}
                data-label={columns[index]?.hideHead ? undefined : columns[index]?.head}
                dir="auto"
              >
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
