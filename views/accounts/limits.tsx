import type { Limits } from '../../src/platforms/platform.ts'
import type { Html } from '../html.ts'
import { Meta } from '../ui/index.tsx'

const number = new Intl.NumberFormat('en-GB')
const short = (type: string): string => type.replace('image/', '').toUpperCase()

/** What an account takes, in words. */
export function LimitsList({ limits }: { limits: Limits }): Html {
  const { text, images } = limits
  return (
    <Meta
      items={[
        {
          term: 'Text',
          value: `${number.format(text.max)} characters${text.linkLength ? `; a link counts ${text.linkLength}` : ''}`,
        },
        { term: 'Pictures', value: images.max === 0 ? 'none' : `up to ${images.max}` },
        images.max > 0
          ? { term: 'Kinds', value: images.types.map(short).join(', ') }
          : { term: 'Kinds', value: null },
        images.max > 0
          ? { term: 'Alt text', value: `${number.format(images.maxAlt)} characters` }
          : { term: 'Alt text', value: null },
      ]}
    />
  )
}
