/** The check of a post against an account's limits, before anything is sent. */
import { countText } from '../lib/text.ts'
import type { Failure, Limits, PostImage } from './platform.ts'

/** As much of a post's part as its fit depends on. */
interface Part {
  text: string
  images: readonly Pick<PostImage, 'type' | 'bytes' | 'alt'>[]
}

/** As much of a post as its fit depends on. */
export interface Draft extends Part {
  thread: readonly Part[]
  /** '' for none. */
  firstComment: string
}

/**
 * Why a platform would refuse this post, before anything is sent; null when it fits. Each part of a thread and the first
 * comment are measured by themselves, so a post that is to be joined has to be so before.
 */
export function misfit(
  { thread, firstComment, ...first }: Draft,
  limits: Limits,
  name: string,
): Failure | null {
  const parts = [first, ...thread]
  for (const [index, part] of parts.entries()) {
    const why = misfitPart(part, limits, name)
    if (why) return parts.length > 1 ? about(`Part ${index + 1}`, why) : why
  }
  const why = firstComment ? misfitPart({ text: firstComment, images: [] }, limits, name) : null
  return why && about('The first comment', why)
}

/** The same failure, said of one of several parts. */
export function about(which: string, why: Failure): Failure {
  return { ...why, message: `${which}: ${why.message.charAt(0).toLowerCase()}${why.message.slice(1)}` }
}

function misfitPart(post: Part, limits: Limits, name: string): Failure | null {
  const { count, max, bytes, over } = countText(post.text, limits.text)
  const { images } = limits
  if (post.text.trim() === '' && post.images.length === 0) {
    return {
      code: 'empty',
      message: 'The post has neither text nor a picture.',
      next: 'Write something and publish again.',
    }
  }
  if (count > max) {
    return {
      code: 'text_too_long',
      message: `The text counts ${count} characters and ${name} takes ${max}.`,
      next: `Shorten the text by ${over}, or give this account a shorter variant.`,
    }
  }
  if (over > 0) {
    return {
      code: 'text_too_long',
      message: `The text has ${bytes} bytes and ${name} takes ${limits.text.maxBytes}.`,
      next: 'Use fewer emoji or accented letters, or give this account a shorter variant.',
    }
  }
  if (post.images.length > images.max) {
    return {
      code: 'too_many_images',
      message: `The post has ${post.images.length} pictures and ${name} takes ${images.max}.`,
      next: 'Remove pictures, or give this account a variant with fewer.',
    }
  }
  for (const [index, image] of post.images.entries()) {
    const which = `Picture ${index + 1}`
    const alt = countText(image.alt, { max: images.maxAlt, count: 'graphemes' })
    if (!images.types.includes(image.type)) {
      return {
        code: 'image_type',
        message: `${which} is ${image.type}, which ${name} does not take.`,
        next: `Use ${images.types.join(', ')}.`,
      }
    }
    if (image.bytes > images.maxBytes) {
      return {
        code: 'image_too_large',
        message: `${which} has ${image.bytes} bytes and ${name} takes ${images.maxBytes}.`,
        next: 'Upload a smaller copy of it.',
      }
    }
    if (alt.over > 0) {
      return {
        code: 'alt_too_long',
        message: `The alt text of picture ${index + 1} counts ${alt.count} characters and ${name} takes ${images.maxAlt}.`,
        next: `Shorten it by ${alt.over}.`,
      }
    }
  }
  return null
}
