import type { Level } from '../../src/forecast/schema.ts'
import type { IconName, Tone } from '../ui/index.tsx'

/** Each level's word, shape and colour, always shown together. */
export const weather: Record<Level, { words: string; icon: IconName; tone: Tone }> = {
  green: { words: 'Nothing in the way', icon: 'sun', tone: 'published' },
  amber: { words: 'Needs a look', icon: 'cloud-sun', tone: 'review' },
  red: { words: 'Does not go out as it is', icon: 'cloud-lightning', tone: 'failed' },
}
