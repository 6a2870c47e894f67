/** Pictures as SVG, drawn on 1200 × 900: a few coffee-coloured shapes with a light and a grain. Same seed, same picture. */

export interface Palette {
  sky: string
  light: string
  far: string
  near: string
  dark: string
  accent: string
}

export type Draw = (palette: Palette, random: () => number) => string

export const width = 1200
export const height = 900

/** Mulberry32: small, and the same on every machine. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const n = (value: number) => value.toFixed(1)

/** The whole picture around its shapes: background, a soft light from one side, a vignette. */
export function frame({ sky, light, far, dark }: Palette, inside: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="1080" height="810" viewBox="0 0 ${width} ${height}">
<defs>
<linearGradient id="sky" x1="0" y1="0" x2="0.4" y2="1"><stop offset="0" stop-color="${light}"/><stop offset="0.55" stop-color="${sky}"/><stop offset="1" stop-color="${far}"/></linearGradient>
<radialGradient id="glow" cx="0.28" cy="0.2" r="0.8"><stop offset="0" stop-color="#fff" stop-opacity="0.55"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient>
<radialGradient id="edge" cx="0.5" cy="0.5" r="0.75"><stop offset="0.6" stop-color="${dark}" stop-opacity="0"/><stop offset="1" stop-color="${dark}" stop-opacity="0.38"/></radialGradient>
<filter id="soft" x="-30%" y="-30%" width="160%" height="160%"><feGaussianBlur stdDeviation="22"/></filter>
</defs>
<rect width="${width}" height="${height}" fill="url(#sky)"/>
${inside}
<rect width="${width}" height="${height}" fill="url(#glow)"/>
<rect width="${width}" height="${height}" fill="url(#edge)"/>
</svg>`
}

/** A cup from above with a leaf poured into the milk. */
export const cup: Draw = ({ light, near, dark, accent, far }, random) => {
  const x = 560 + random() * 120
  const y = 440 + random() * 40
  const leaves = Array.from({ length: 8 }, (_, at) => {
    const up = 120 - at * 36
    const spread = 132 * Math.sin(((at + 1.4) / 9.5) * Math.PI)
    return `<path d="M0 ${n(up)} C ${n(-spread)} ${n(up - 12)} ${n(-spread)} ${n(up - 62)} 0 ${n(up - 30)} C ${n(spread)} ${n(up - 62)} ${n(spread)} ${n(up - 12)} 0 ${n(up)} Z" fill="${light}" opacity="${n(0.95 - at * 0.03)}"/>`
  }).join('')
  return `<ellipse cx="${n(x + 40)}" cy="${n(y + 60)}" rx="390" ry="370" fill="${dark}" opacity="0.4" filter="url(#soft)"/>
<circle cx="${n(x)}" cy="${n(y)}" r="375" fill="${accent}"/><circle cx="${n(x)}" cy="${n(y)}" r="340" fill="none" stroke="#fff" stroke-opacity="0.22" stroke-width="5"/>
<ellipse cx="${n(x + 22)}" cy="${n(y + 30)}" rx="268" ry="262" fill="${dark}" opacity="0.35" filter="url(#soft)"/>
<path d="M${n(x + 215)} ${n(y - 60)} q150 -20 150 50 t-150 60" fill="none" stroke="${light}" stroke-width="44" stroke-linecap="round"/>
<circle cx="${n(x)}" cy="${n(y)}" r="252" fill="${light}"/><circle cx="${n(x)}" cy="${n(y)}" r="226" fill="${dark}"/><circle cx="${n(x)}" cy="${n(y)}" r="214" fill="${near}"/>
<circle cx="${n(x - 10)}" cy="${n(y - 12)}" r="196" fill="${far}" opacity="0.55"/>
<g transform="translate(${n(x)} ${n(y + 46)}) rotate(${n(random() * 40 - 20)})">${leaves}<path d="M0 134 L0 -176" stroke="${near}" stroke-width="7" stroke-linecap="round"/></g>`
}

/** Hills behind hills, and a low sun. */
export const hills: Draw = ({ light, far, near, dark, accent }, random) => {
  const layers = [far, near, accent, dark].map((colour, layer) => {
    const base = 400 + layer * 120
    const points = Array.from({ length: 7 }, (_, at) => [at * 200, base + (random() - 0.5) * 150] as const)
    const path = points
      .slice(1)
      .map(([px, py], at) => {
        const before = points[at]?.[1] ?? base
        return `C ${px - 120} ${n(before)} ${px - 80} ${n(py)} ${px} ${n(py)}`
      })
      .join(' ')
    const rows = Array.from(
      { length: 5 },
      (_, row) =>
        `<path d="M0 ${n((points[0]?.[1] ?? base) + 34 + row * 30)} ${path}" transform="translate(0 ${34 + row * 30})" fill="none" stroke="${light}" stroke-opacity="0.1" stroke-width="5" stroke-dasharray="3 13" stroke-linecap="round"/>`,
    ).join('')
    return `<path d="M0 ${n(points[0]?.[1] ?? base)} ${path} L1200 900 L0 900 Z" fill="${colour}" opacity="${n(0.72 + layer * 0.09)}"/>${layer > 0 ? rows : ''}`
  })
  const sun = 260 + random() * 640
  return `<circle cx="${n(sun)}" cy="270" r="190" fill="${light}" opacity="0.5" filter="url(#soft)"/><circle cx="${n(sun)}" cy="270" r="118" fill="${light}"/>${layers.join('')}`
}

/** Beans as they fall on the table. */
export const beans: Draw = ({ near, dark, accent, far }, random) => {
  const bean = (): string => {
    const [x, y] = [random() * 1300 - 50, random() * 1000 - 50]
    const size = 0.75 + random() * 0.6
    const colour = [near, dark, accent, near][Math.floor(random() * 4)] ?? near
    return `<g transform="translate(${n(x)} ${n(y)}) rotate(${n(random() * 360)}) scale(${size.toFixed(2)})">
<ellipse cx="9" cy="16" rx="84" ry="58" fill="${dark}" opacity="0.28"/><ellipse rx="82" ry="56" fill="${colour}"/>
<ellipse cx="-14" cy="-18" rx="52" ry="25" fill="#fff" opacity="0.1"/>
<path d="M-76 8 C -30 -26 26 30 76 -8" fill="none" stroke="${dark}" stroke-opacity="0.75" stroke-width="8" stroke-linecap="round"/></g>`
  }
  return `<rect width="1200" height="900" fill="${far}" opacity="0.35"/>${Array.from({ length: 92 }, bean).join('')}`
}

/** A cup from the side, and what rises from it. */
export const steam: Draw = ({ light, near, dark, accent }, random) => {
  const ribbon = (at: number): string => {
    const x = 440 + at * 52 + random() * 24
    const sway = () => (random() - 0.5) * 210
    return `<path d="M${n(x)} 520 C ${n(x + sway())} 420 ${n(x + sway())} 330 ${n(x + sway() / 2)} 240 S ${n(x + sway())} 120 ${n(x + sway())} 20" fill="none" stroke="${light}" stroke-opacity="${n(0.25 + random() * 0.4)}" stroke-width="${n(10 + random() * 26)}" stroke-linecap="round"/>`
  }
  return `<g filter="url(#soft)">${Array.from({ length: 7 }, (_, at) => ribbon(at)).join('')}</g>${Array.from({ length: 4 }, (_, at) => ribbon(at + 1.5)).join('')}
<rect y="742" width="1200" height="160" fill="${dark}" opacity="0.75"/><ellipse cx="620" cy="764" rx="330" ry="34" fill="${dark}" opacity="0.6"/>
<path d="M812 566 q126 0 126 82 t-146 82" fill="none" stroke="${accent}" stroke-width="40"/>
<path d="M390 520 H830 C830 668 768 752 690 752 H530 C452 752 390 668 390 520 Z" fill="${accent}"/>
<path d="M390 520 H560 C546 640 566 716 604 752 H530 C452 752 390 668 390 520 Z" fill="#fff" opacity="0.16"/>
<ellipse cx="610" cy="520" rx="220" ry="42" fill="${light}"/><ellipse cx="610" cy="524" rx="196" ry="31" fill="${near}"/>`
}

/** A bag on a shelf, with a label and no words. */
export const bag: Draw = ({ light, far, near, dark, accent }, random) => {
  const stripes = Array.from(
    { length: 6 },
    (_, at) =>
      `<path d="M430 ${540 + at * 26} q${n(60 + random() * 60)} ${n(-30 + random() * 60)} 170 0 t170 0" fill="none" stroke="${at % 2 ? accent : near}" stroke-width="9" opacity="0.85"/>`,
  ).join('')
  return `<rect y="760" width="1200" height="140" fill="${dark}" opacity="0.85"/><rect y="760" width="1200" height="10" fill="${light}" opacity="0.25"/>
<ellipse cx="640" cy="778" rx="330" ry="30" fill="${dark}" opacity="0.8" filter="url(#soft)"/>
<path d="M372 240 H828 L862 770 H338 Z" fill="${near}"/><path d="M372 240 H470 L452 770 H338 Z" fill="#fff" opacity="0.14"/><path d="M770 240 H828 L862 770 H800 Z" fill="${dark}" opacity="0.3"/>
<path d="M372 240 L392 150 H808 L828 240 Z" fill="${dark}"/><rect x="392" y="150" width="416" height="22" fill="${accent}"/>
<rect x="420" y="350" width="360" height="356" rx="10" fill="${light}"/><circle cx="600" cy="438" r="58" fill="${far}"/><circle cx="600" cy="438" r="30" fill="${accent}"/>${stripes}`
}

/** A filter cone over a glass. */
export const cone: Draw = ({ light, far, near, dark, accent }, random) => {
  const ribs = Array.from(
    { length: 9 },
    (_, at) =>
      `<path d="M${420 + at * 45} 214 Q${n(540 + at * 15)} ${n(330 + random() * 30)} ${n(568 + at * 8)} 428" fill="none" stroke="${dark}" stroke-opacity="0.16" stroke-width="6"/>`,
  ).join('')
  const drops = Array.from(
    { length: 3 },
    (_, at) => `<ellipse cx="600" cy="${486 + at * 44}" rx="${9 - at}" ry="${14 - at}" fill="${near}"/>`,
  ).join('')
  return `<rect y="786" width="1200" height="114" fill="${dark}" opacity="0.8"/><ellipse cx="620" cy="796" rx="290" ry="26" fill="${dark}" opacity="0.7" filter="url(#soft)"/>
<path d="M412 520 H788 L764 790 H436 Z" fill="#fff" opacity="0.3"/><path d="M424 ${n(610 + random() * 40)} H776 L762 782 H438 Z" fill="${near}"/><path d="M424 560 L438 782 H486 L470 560 Z" fill="#fff" opacity="0.22"/>
<path d="M788 570 q110 10 92 110 t-112 60" fill="none" stroke="#fff" stroke-opacity="0.42" stroke-width="20"/>${drops}
<path d="M372 200 H828 L648 440 H552 Z" fill="${light}"/><ellipse cx="600" cy="200" rx="228" ry="44" fill="${accent}"/><ellipse cx="600" cy="206" rx="196" ry="32" fill="${dark}"/><ellipse cx="590" cy="204" rx="150" ry="20" fill="${far}" opacity="0.5"/>${ribs}
<rect x="512" y="432" width="176" height="26" rx="13" fill="${accent}"/>`
}
