/** Posts of several parts: what a platform without replies makes of them, and the identity of one part. */
import type { Platform, Post } from './platform.ts'

/** The words and pictures of a post with all that follows its first part. */
export interface Threaded<Image extends { id: string }> {
  text: string
  images: Image[]
  /** The parts after the first. */
  thread: { text: string; images: Image[] }[]
  /** '' for none. */
  firstComment: string
}

/**
 * A post as the platform takes it. Where parts are joined they become one text, an empty line between them, with all
 * pictures, each once, and the first comment as its last paragraph.
 */
export function taken<Image extends { id: string }>(
  { text, images, thread, firstComment }: Threaded<Image>,
  { thread: takes }: Pick<Platform, 'thread'>,
): Threaded<Image> {
  if (takes !== 'joined') return { text, images, thread, firstComment }
  const texts = [text, ...thread.map(part => part.text), firstComment]
  return {
    text: joined(texts),
    images: picturesOf({ images, thread }),
    thread: [],
    firstComment: '',
  }
}

/** All pictures of a post with those of its further parts, in their order, each once. */
export function picturesOf<Image extends { id: string }>({
  images,
  thread,
}: Pick<Threaded<Image>, 'images' | 'thread'>): Image[] {
  const all = [images, ...thread.map(part => part.images)].flat()
  return [...new Map(all.map(image => [image.id, image])).values()]
}

/** Texts as the paragraphs of one. A single one stays as it is. */
export function joined(texts: readonly string[]): string {
  const said = texts.filter(text => text.trim() !== '')
  return said.length > 1 ? said.map(text => text.trim()).join('\n\n') : (said[0] ?? texts[0] ?? '')
}

/** What one part of a job is known by, the same for every attempt: keys and names are made of it. */
export function identityOf({ jobId, part }: Pick<Post, 'jobId' | 'part'>): string {
  return part === 1 ? jobId : `${jobId}/${part}`
}
