import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'

/** The head of a page: its heading, a soft note beside it, tabs, and what can be done here. `back` leads up. */
export function PageHead({
  title,
  note,
  tabs,
  actions,
  back,
  mark,
}: {
  title: Child
  note?: Child
  tabs?: Child
  actions?: Child
  back?: { href: string; label: string } | undefined
  mark?: Child
}): Html {
  return (
    <header class="page-head">
      {back && (
        <a class="page-back" href={back.href}>
          <span aria-hidden="true">←</span> {back.label}
        </a>
      )}
      <div class="page-words">
        <h1 dir="auto">{title}</h1>
        {mark}
        {note && <small class="page-note">{note}</small>}
      </div>
      {(tabs || actions) && (
        <div class="page-tools">
          {tabs}
          {actions && <div class="buttons">{actions}</div>}
        </div>
      )}
    </header>
  )
}

/** The masthead rule on Today: the workspace's name, large, over a double rule; `children` stand at the end as two short lines, `tools` beside them. */
export function Plate({ name, tools, children }: { name: string; tools?: Child; children?: Child }): Html {
  return (
    <header class="plate">
      <h1 dir="auto">{name}</h1>
      <div class="plate-end">
        <p class="plate-ear">{children}</p>
        {tools}
      </div>
    </header>
  )
}

/** Two columns, the first wider; one below the other on a phone. `aside` comes first there with `asideFirst`. */
export function Columns({
  children,
  aside,
  asideFirst = false,
}: {
  children?: Child
  aside: Child
  asideFirst?: boolean | undefined
}): Html {
  return (
    <div class={['columns', asideFirst && 'columns-aside-first']}>
      <div class="column">{children}</div>
      <div class="column">{aside}</div>
    </div>
  )
}

/** A part of a page under its own heading. */
export function Block({
  title,
  note,
  more,
  children,
  id,
}: {
  title: string
  note?: Child
  more?: { href: string; label: string } | undefined
  children?: Child
  id?: string | undefined
}): Html {
  return (
    <section class="block" id={id}>
      <header class="block-head">
        <h2>{title}</h2>
        {more && <a href={more.href}>{more.label}</a>}
      </header>
      {note && <p class="block-note">{note}</p>}
      {children}
    </section>
  )
}

/** A framed panel for one thing among several: an account, a workflow. */
export function Card({
  children,
  id,
  title,
  mark,
}: {
  children?: Child
  id?: string | undefined
  title?: Child
  mark?: Child
}): Html {
  return (
    <article class="card" id={id}>
      {title && (
        <header>
          <h2 dir="auto">{title}</h2>
          {mark}
        </header>
      )}
      {children}
    </article>
  )
}

/** Cards beside each other. */
export function Cards({ children }: { children?: Child }): Html {
  return <div class="cards">{children}</div>
}

/** A count that matters, large: likes, reposts. */
export function Figures({ items }: { items: readonly { label: string; value: number | string }[] }): Html {
  return (
    <dl class="figures">
      {items.map(({ label, value }) => (
        <div>
          <dt>{label}</dt>
          <dd class="num">{value}</dd>
        </div>
      ))}
    </dl>
  )
}
