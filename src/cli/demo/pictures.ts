import sharp from 'sharp'
import { bag, beans, cone, cup, type Draw, frame, hills, type Palette, randomFrom, steam } from './shapes.ts'

const dawn: Palette = {
  sky: '#f2c9a1',
  light: '#fdf0dc',
  far: '#d98f5f',
  near: '#8a4b2a',
  dark: '#3a1f14',
  accent: '#c2603a',
}
const milk: Palette = {
  sky: '#e9ddcb',
  light: '#fffaf0',
  far: '#cfae84',
  near: '#9c6a3c',
  dark: '#43291a',
  accent: '#6f8f8a',
}
const north: Palette = {
  sky: '#9fb7bf',
  light: '#eef3ef',
  far: '#5f8791',
  near: '#7a4a2e',
  dark: '#1f2f38',
  accent: '#d9834f',
}
const night: Palette = {
  sky: '#4a3a4f',
  light: '#f4d9b8',
  far: '#7d5560',
  near: '#a2603c',
  dark: '#1c1420',
  accent: '#e0935a',
}
const moss: Palette = {
  sky: '#c9cfa6',
  light: '#f8f5df',
  far: '#8c9d62',
  near: '#7b4f2c',
  dark: '#27301c',
  accent: '#b9683c',
}

interface Picture {
  draw: Draw
  palette: Palette
  seed: number
  alt: string
}

/** Every picture of the demo, with the words for those who do not see it. */
export const pictures = {
  flatWhite: {
    draw: cup,
    palette: milk,
    seed: 3,
    alt: 'A cup from above on a grey-green saucer, a leaf poured into the milk.',
  },
  morningCup: {
    draw: cup,
    palette: dawn,
    seed: 11,
    alt: 'A cup from above on a brick-red saucer in warm morning light.',
  },
  farm: { draw: hills, palette: moss, seed: 5, alt: 'Green hills in rows under a low, pale sun.' },
  harbourDawn: {
    draw: hills,
    palette: dawn,
    seed: 21,
    alt: 'Orange and brown hills behind each other, the sun just above them.',
  },
  northernHills: {
    draw: hills,
    palette: north,
    seed: 8,
    alt: 'Blue-grey hills behind each other under a white sun.',
  },
  greenBeans: {
    draw: beans,
    palette: moss,
    seed: 13,
    alt: 'Coffee beans on a mossy table, seen from above.',
  },
  darkBeans: {
    draw: beans,
    palette: night,
    seed: 2,
    alt: 'Dark roasted beans from above, some shining copper in the evening light.',
  },
  steamNorth: {
    draw: steam,
    palette: north,
    seed: 17,
    alt: 'An orange cup at a blue-grey window, steam rising in ribbons.',
  },
  steamNight: {
    draw: steam,
    palette: night,
    seed: 4,
    alt: 'An orange cup in a violet room late in the evening, steam above it.',
  },
  houseBag: {
    draw: bag,
    palette: dawn,
    seed: 6,
    alt: 'A brown paper bag with a cream label on a dark shelf.',
  },
  winterBag: {
    draw: bag,
    palette: north,
    seed: 9,
    alt: 'A brown bag with a pale label in front of a cold blue wall.',
  },
  pourOver: {
    draw: cone,
    palette: milk,
    seed: 7,
    alt: 'A filter cone over a half-full glass, three drops falling.',
  },
  lateFilter: {
    draw: cone,
    palette: night,
    seed: 14,
    alt: 'A filter cone over a glass in evening light, copper tones.',
  },
} as const satisfies Record<string, Picture>
export type PictureName = keyof typeof pictures

/** Draws one of them. @returns a JPEG, 1080 × 810 pixels */
export async function drawPicture(name: PictureName): Promise<Uint8Array> {
  const { draw, palette, seed } = pictures[name]
  const svg = frame(palette, draw(palette, randomFrom(seed)))
  return sharp(Buffer.from(svg)).jpeg({ quality: 84 }).toBuffer()
}
