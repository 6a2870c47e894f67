import { dateFormat } from '../lib/dates.ts'
import { oneLine } from '../lib/text.ts'
import type { Role } from '../permissions.ts'
import type { Letter } from './schema.ts'

/** A role with its article: `an editor`, `a reviewer`. */
const aRole = (role: Role): string => `${/^[aeio]/.test(role) ? 'an' : 'a'} ${role}`

/** Invites somebody who has no login yet. */
export function invitationLetter(about: {
  workspace: string
  /** null when it was the operator. */
  inviter: string | null
  role: Role
  link: string
  expiresAt: string
  zone: string
}): Letter {
  const workspace = oneLine(about.workspace)
  const inviter = oneLine(about.inviter ?? 'The team')
  const until = dateFormat({ weekday: 'long', day: 'numeric', month: 'long' }, about.zone).format(
    new Date(about.expiresAt),
  )
  return {
    subject: `${inviter} invites you to ${workspace}`,
    lines: [
      `${inviter} invites you to plan, write and publish together in the workspace ${workspace}, as ${aRole(about.role)}.`,
      'You choose your own name and password.',
    ],
    action: { label: 'Join the workspace', href: about.link },
    after: [
      `The link works once, until ${until}. Keep it to yourself: whoever has it can join in your place.`,
      'If you do not know who this is, do nothing: without you the link leads nowhere.',
    ],
  }
}

/** Brings the link for a new password that somebody asked for. */
export function resetLetter(about: { workspace: string; link: string }): Letter {
  const workspace = oneLine(about.workspace)
  return {
    subject: `A new password for ${workspace}`,
    lines: [
      `Somebody, hopefully you, asked for a new password for your login to the workspace ${workspace}.`,
    ],
    action: { label: 'Choose a new password', href: about.link },
    after: [
      'The link works once, within the hour, and ends all sessions of this login.',
      'If it was not you, do nothing: your password stays as it is.',
    ],
  }
}

/** Tells one thing that waits for a person. */
export function notificationLetter(about: {
  workspace: string
  /** The notification's own sentence. */
  words: string
  /** Paragraphs below it. */
  lines?: readonly string[]
  label: string
  link: string
  /** Where such mails are switched off. */
  settings: string
}): Letter {
  const words = oneLine(about.words)
  return {
    subject: words,
    lines: [words, ...(about.lines ?? []).map(oneLine)],
    action: { label: about.label, href: about.link },
    after: [
      `This waits for you in the workspace ${oneLine(about.workspace)}. To get no such mails, switch them off in your settings: ${about.settings}`,
    ],
  }
}
