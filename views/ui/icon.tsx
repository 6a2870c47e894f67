import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Html, raw } from '../html.ts'

/** Every icon the views use, by its Lucide name (ISC, https://lucide.dev). A name that is not here does not compile. */
export const iconNames = [
  'archive',
  'arrow-left',
  'arrow-right',
  'arrow-up',
  'at-sign',
  'ban',
  'bell',
  'calendar-days',
  'calendar-plus',
  'check',
  'check-check',
  'chevron-down',
  'chevron-left',
  'chevron-right',
  'circle-check',
  'circle-dot-dashed',
  'circle-question-mark',
  'circle-x',
  'clock',
  'clock-alert',
  'cloud',
  'cloud-lightning',
  'cloud-sun',
  'coffee',
  'copy',
  'download',
  'ellipsis',
  'external-link',
  'eye',
  'file-text',
  'flask-conical',
  'folder-check',
  'globe',
  'heart',
  'history',
  'image',
  'image-plus',
  'images',
  'inbox',
  'info',
  'key-round',
  'link-2',
  'list',
  'list-end',
  'loader-circle',
  'lock',
  'log-out',
  'menu',
  'message-circle',
  'message-square',
  'message-square-warning',
  'move',
  'newspaper',
  'pause',
  'pen-line',
  'pencil',
  'plug-zap',
  'plus',
  'refresh-cw',
  'repeat-2',
  'reply',
  'rotate-ccw',
  'rss',
  'search',
  'send',
  'settings-2',
  'share',
  'star',
  'sun',
  'tag',
  'trash-2',
  'triangle-alert',
  'undo-2',
  'unplug',
  'upload',
  'user-plus',
  'users',
  'wand-sparkles',
  'webhook',
  'workflow',
  'x',
  'chart-no-axes-column',
  'bookmark',
  'zap',
  'package',
] as const
export type IconName = (typeof iconNames)[number]

/** Only what is inside `<svg>`: size, stroke and colour come from `css/icon.css`. */
function shapes(name: IconName): Html {
  const file = readFileSync(fileURLToPath(import.meta.resolve(`lucide-static/icons/${name}.svg`)), 'utf8')
  const start = file.indexOf('>', file.indexOf('<svg')) + 1
  return raw(file.slice(start, file.lastIndexOf('</svg>')).replace(/\s+/g, ' ').trim())
}
const drawn = new Map<string, Html>(iconNames.map(name => [name, shapes(name)]))

/** An icon, the height of the text around it. Hidden from screen readers unless `label` gives it words of its own. */
export function Icon({ name, label }: { name: IconName; label?: string | undefined }): Html {
  const kind = `icon icon-${name}`
  if (label)
    return (
      <svg class={kind} viewBox="0 0 24 24" role="img" aria-label={label}>
        {drawn.get(name)}
      </svg>
    )
  return (
    <svg class={kind} viewBox="0 0 24 24" aria-hidden="true">
      {drawn.get(name)}
    </svg>
  )
}
