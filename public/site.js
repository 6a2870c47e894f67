import { dayKeys, walk } from './calendar.js'
import { suggestSlug } from './slug.js'

// Makes the pages smoother; each of them works without it. No inline handlers, no eval: one listener per kind of event.
const all = (selector, root = document) => [...root.querySelectorAll(selector)]
const byId = id => document.getElementById(id)
const typing = target =>
  target instanceof Element && target.closest('input, textarea, select, [contenteditable]')

/** Says something in `#toasts`, which screen readers follow. Good news leaves by itself. */
function say(kind, words) {
  const toast = document.createElement('div')
  toast.className = `toast toast-${kind}`
  toast.dataset.toast = kind
  const text = document.createElement('span')
  text.textContent = words
  toast.append(text)
  byId('toasts')?.append(toast)
}
function keepToast(toast) {
  for (const button of all('[data-dismiss]', toast)) button.hidden = false
  if (toast.dataset.toast !== 'bad') setTimeout(() => toast.remove(), 8000)
}
const toasts = byId('toasts')
if (toasts) {
  for (const toast of toasts.children) keepToast(toast)
  new MutationObserver(changes => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes) if (node instanceof HTMLElement) keepToast(node)
  }).observe(toasts, { childList: true })
}
/** What a page asks by itself may fail unseen: it asks again soon. */
const byItself = ({ detail }) => detail?.ctx?.sourceElement?.matches?.('#fresh, #live')
document.addEventListener('htmx:response:error', event => {
  if (byItself(event)) return
  const status = event.detail?.ctx?.response?.status
  if (status >= 500) say('bad', 'The server could not do that. Nothing was lost; try again in a moment.')
  if (status === 401) say('bad', 'You are signed out. Sign in again in another tab, then repeat this.')
})
document.addEventListener('htmx:error', event => {
  if (!byItself(event) && !event.detail?.ctx?.response)
    say('bad', 'No answer from the server. Check the connection, then try again.')
})

// Live counters: the server counts with the same module.
let counting
async function count(field) {
  const counters = all(`[data-count="${CSS.escape(field.id)}"]`)
  if (counters.length === 0) return
  counting ??= import('/public/text.js')
  const { countText } = await counting
  for (const counter of counters) {
    const { count, max, over } = countText(field.value, JSON.parse(counter.dataset.limits))
    counter.querySelector('[data-count-n]').textContent = String(count)
    counter.querySelector('progress').value = Math.min(count, max)
    counter.classList.toggle('count-over', over > 0)
    counter.classList.toggle('count-near', over === 0 && count > max * 0.9)
    const said = over > 0 ? `${counter.dataset.label}: ${over} too many` : ''
    const status = counter.querySelector('[data-count-said]')
    if (status.textContent !== said) status.textContent = said
  }
}

/** Shows pictures that were chosen but not sent yet. Data URLs: the content policy allows `data:`, not `blob:`. */
function showChosen(input) {
  const place = byId(input.dataset.preview)
  if (!place) return
  place.replaceChildren()
  for (const file of [...input.files].filter(({ type }) => type.startsWith('image/')).slice(0, 10)) {
    const picture = document.createElement('img')
    picture.alt = file.name
    const reader = new FileReader()
    reader.onload = () => {
      picture.src = String(reader.result)
    }
    reader.readAsDataURL(file)
    place.append(picture)
  }
}

// Unsaved words: a guarded form is dirty from the first change until it is sent or autosaved.
let dirty = null
document.addEventListener('input', event => {
  const { target } = event
  if (target instanceof HTMLTextAreaElement) count(target)
  const form = target.closest?.('form[data-guard]')
  if (form) {
    dirty = form
    clearTimeout(form.autosave)
    // Autosave: a form with data-autosave fires `autosave` 800 ms after the last key (hx-trigger="autosave").
    if ('autosave' in form.dataset)
      form.autosave = setTimeout(
        () => form.dispatchEvent(new CustomEvent('autosave', { bubbles: true })),
        800,
      )
  }
})
document.addEventListener('change', event => {
  if (event.target instanceof HTMLInputElement && event.target.dataset.preview) showChosen(event.target)
})
const settle = form => {
  if (dirty === form || dirty?.contains(form)) dirty = null
}
document.addEventListener('submit', event => {
  clearTimeout(event.target.autosave)
  settle(event.target)
})
document.addEventListener('htmx:after:request', event => {
  const { ctx } = event.detail ?? {}
  if (ctx?.response?.status < 400 && ctx.sourceElement instanceof Element)
    settle(ctx.sourceElement.closest('form'))
})
addEventListener('beforeunload', event => {
  if (dirty?.isConnected) event.preventDefault()
})

// Copying, dialogs, panels, messages.
async function copy(button) {
  const field = byId(button.dataset.copy)
  field.select()
  try {
    await navigator.clipboard.writeText(field.value)
  } catch {
    if (!document.execCommand('copy')) return
  }
  const words = button.querySelector('span')
  words.textContent = 'Copied'
  setTimeout(() => {
    words.textContent = 'Copy'
  }, 2000)
}
document.addEventListener('click', event => {
  const { target } = event
  if (!(target instanceof Element)) return
  const opener = target.closest('[data-dialog]')
  const dialog = opener && byId(opener.dataset.dialog)
  if (dialog && !event.metaKey && !event.ctrlKey) {
    event.preventDefault()
    dialog.showModal()
  }
  if (target instanceof HTMLDialogElement) target.close()
  const copier = target.closest('[data-copy]')
  if (copier) copy(copier)
  target.closest('[data-dismiss]')?.closest('.toast')?.remove()
  if (target.closest('[data-close]')) closePanels()
  else for (const panel of all('details[data-popover][open]')) if (!panel.contains(target)) panel.open = false
  if (target.matches('[data-select]')) target.select()
})
function closePanels() {
  for (const panel of all('details[data-popover][open]')) {
    panel.open = false
    panel.querySelector('summary').focus()
  }
}

// Keys: n new, / search, g then t c p a m s; arrows walk the month.
const places = {
  t: '',
  c: '/calendar',
  p: '/content',
  r: '/review',
  a: '/accounts',
  m: '/media',
  n: '/notifications',
  s: '/settings',
}
let going = 0
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') closePanels()
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || typing(event.target)) return
  if (document.querySelector('dialog[open]')) return
  const base = document.querySelector('[data-base]')?.dataset.base
  const day = event.target.closest?.('[data-date]')
  if (day && event.key.startsWith('Arrow')) return walk(event, day)
  if (day === event.target && event.key === 'Enter') return day.querySelector('a')?.click()
  if (base && Date.now() - going < 1500 && event.key in places) location.href = base + places[event.key]
  else if (event.key === 'g') going = Date.now()
  else if (event.key === 'n') document.querySelector('[data-new]')?.click()
  else if (event.key === '/') {
    const search = document.querySelector('[data-search]')
    if (!search) return
    event.preventDefault()
    search.focus()
  }
})
/** An address follows its name, as its placeholder: left empty, the server makes the same one. */
function followName(field) {
  const name = byId(field.dataset.slugOf)
  if (!name || name.suggesting) return
  name.suggesting = true
  const suggest = () => {
    field.placeholder = suggestSlug(name.value)
  }
  name.addEventListener('input', suggest)
  suggest()
}

/** Chooses the zone that the browser is in, where the list has it and nobody has chosen yet. */
function ownZone(select) {
  delete select.dataset.ownZone
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  if ([...select.options].some(({ value }) => value === zone)) select.value = zone
}

/** What a page, or a part that htmx brought, needs once. */
function ready() {
  for (const field of all('[data-slug-of]')) followName(field)
  for (const select of all('[data-own-zone]')) ownZone(select)
  // A picture is sent as it is chosen: its button is for those without scripts.
  for (const button of all('[data-with-choice]')) button.hidden = true
  for (const button of all('[data-copy], [data-close]')) button.hidden = false
  dayKeys()
  for (const field of all('textarea')) count(field)
}
ready()
document.querySelector('[data-focus]')?.focus()
document.addEventListener('htmx:after:settle', event => {
  ready()
  event.target.querySelector?.('[data-focus]')?.focus()
})
