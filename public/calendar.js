// The month: arrow keys walk its days, and a chip can be dragged to another day.
const all = (selector, root = document) => [...root.querySelectorAll(selector)]

/** One day of each month takes the focus: today, else the first. */
export function dayKeys() {
  for (const table of all('[data-month]'))
    if (!table.querySelector('[data-date][tabindex="0"]'))
      for (const [at, day] of all('[data-date]', table).entries())
        day.tabIndex =
          day.matches('[aria-current]') || (at === 0 && !table.querySelector('[aria-current]')) ? 0 : -1
}

/** Moves the focus by a day or a week; left is earlier where text runs to the right. */
export function walk(event, day) {
  const days = all('[data-date]', day.closest('table')).filter(({ offsetParent }) => offsetParent)
  const ahead = getComputedStyle(day).direction === 'rtl' ? -1 : 1
  const step = { ArrowLeft: -ahead, ArrowRight: ahead, ArrowUp: -7, ArrowDown: 7 }[event.key]
  const next = days[days.indexOf(day) + step]
  if (!next) return
  event.preventDefault()
  for (const other of days) other.tabIndex = -1
  next.tabIndex = 0
  next.focus()
}

// Dragging a chip to another day fills the hidden form; without scripts the job's page has the date field.
let lifted = null
document.addEventListener('dragstart', event => {
  lifted = event.target.closest?.('[data-job]') ?? null
  if (!lifted) return
  lifted.classList.add('chip-lifted')
  event.dataTransfer.setData('text/plain', lifted.dataset.job)
  event.dataTransfer.effectAllowed = 'move'
})
const landing = event => (lifted ? event.target.closest?.('[data-date]') : null)
const leave = () => {
  for (const day of all('.day-over')) day.classList.remove('day-over')
}
document.addEventListener('dragover', event => {
  const day = landing(event)
  leave()
  if (!day) return
  event.preventDefault()
  day.classList.add('day-over')
})
document.addEventListener('drop', event => {
  const day = landing(event)
  const form = day?.closest('.month')?.querySelector('form[data-move]')
  if (!form || day === lifted.closest('[data-date]')) return
  event.preventDefault()
  form.elements.job.value = lifted.dataset.job
  form.elements.date.value = day.dataset.date
  form.dispatchEvent(new CustomEvent('move-job', { bubbles: true }))
})
document.addEventListener('dragend', () => {
  lifted?.classList.remove('chip-lifted')
  lifted = null
  leave()
})
