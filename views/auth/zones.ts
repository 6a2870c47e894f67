import type { Option } from '../ui/index.tsx'

/** Time zones by their region, as a drop-down shows them: `Europe` → `Berlin`. */
export function zoneGroups(zones: readonly string[]): { label: string; options: Option[] }[] {
  const groups = new Map<string, Option[]>()
  for (const zone of zones) {
    const cut = zone.indexOf('/')
    const region = cut < 0 ? 'World' : zone.slice(0, cut)
    const label = (cut < 0 ? zone : zone.slice(cut + 1)).replaceAll('_', ' ').replaceAll('/', ', ')
    groups.set(region, [...(groups.get(region) ?? []), { value: zone, label }])
  }
  return [...groups].map(([label, options]) => ({ label, options }))
}
