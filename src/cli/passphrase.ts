import { readFileSync } from 'node:fs'
import { Stop } from '../errors.ts'

export const passphraseOptions = {
  'passphrase-stdin': { type: 'boolean' },
  'passphrase-file': { type: 'string' },
} as const

/** The passphrase as the options say where it is: never an argument, which the history and `ps` would show. */
export async function readPassphrase(values: {
  'passphrase-stdin'?: boolean | undefined
  'passphrase-file'?: string | undefined
}): Promise<string> {
  const file = values['passphrase-file']
  if ((values['passphrase-stdin'] === true) === (file !== undefined))
    throw new Stop(
      'Add --passphrase-stdin and send the passphrase on stdin, or name a file with --passphrase-file.',
    )
  const typed = (file === undefined ? await Bun.stdin.text() : readFrom(file)).replace(/\r?\n$/, '')
  if (typed === '') throw new Stop('The passphrase is empty.')
  return typed
}

function readFrom(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Stop(`The passphrase file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}
