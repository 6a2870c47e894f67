import type { Letter } from '../../src/mail/schema.ts'
import type { Html } from '../html.ts'

/** Mail programs load no style sheets and keep few rules: what there is stands at the elements, in both lights legible. */
const family = "font-family: -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
const styles = {
  body: `margin: 0; padding: 32px 20px; ${family}; font-size: 16px; line-height: 1.5`,
  sheet: 'max-width: 34em; margin: 0 auto',
  head: "margin: 0 0 24px; padding: 0 0 10px; border-bottom: 3px double #8c8577; font-family: Georgia, 'Times New Roman', serif; font-size: 20px; font-weight: bold",
  line: 'margin: 0 0 16px',
  action: 'margin: 24px 0',
  button:
    'display: inline-block; padding: 11px 18px; border-radius: 6px; background: #b8321a; color: #ffffff; font-weight: bold; text-decoration: none',
  small: 'margin: 0 0 10px; font-size: 14px; opacity: 0.75',
  address: 'word-break: break-all',
} as const

/** The HTML half of a mail. No picture, no script, nothing that tells us whether it was opened. */
export function LetterMail({ letter, workspace }: { letter: Letter; workspace: string }): Html {
  const { subject, lines, action, after } = letter
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta name="color-scheme" content="light dark" />
        <title>{subject}</title>
      </head>
      <body style={styles.body}>
        <div style={styles.sheet}>
          <p style={styles.head} dir="auto">
            {workspace}
          </p>
          {lines.map(line => (
            <p style={styles.line} dir="auto">
              {line}
            </p>
          ))}
          <p style={styles.action}>
            <a href={action.href} style={styles.button}>
              {action.label}
            </a>
          </p>
          {after.map(line => (
            <p style={styles.small} dir="auto">
              {line}
            </p>
          ))}
          <p style={styles.small}>
            If the button does nothing, copy this address into a browser:{' '}
            <span style={styles.address}>{action.href}</span>
          </p>
        </div>
      </body>
    </html>
  )
}
