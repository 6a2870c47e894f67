import { LetterMail } from '../../views/mail/letter.tsx'
import type { Letter } from './schema.ts'

/** A letter as the two bodies of a mail: one for readers of plain text, one for the others. */
export function renderLetter(letter: Letter, workspace: string): { text: string; html: string } {
  const { lines, action, after } = letter
  return {
    text: `${[...lines, `${action.label}:\n${action.href}`, ...after].join('\n\n')}\n\n-- \n${workspace}, by Masthead\n`,
    html: `<!doctype html>${LetterMail({ letter, workspace }).markup}`,
  }
}
