/** Words as an enemy types them. Each tries to run `window.__pwned = 1`, to break out of where it stands, or to burst the page. */

const markup = `<script>window.__pwned=1</script>"'><img src=x onerror=window.__pwned=1>`
const attribute = `" autofocus onfocus=window.__pwned=1 hx-get="/pwned" hx-trigger="load" x='`
const closing =
  '</textarea></title></option>--><svg onload=window.__pwned=1><iframe src="javascript:window.__pwned=1">'
const template =
  "\u0024{window.__pwned=1} `\u0024{window.__pwned=1}` {{constructor.constructor('window.__pwned=1')()}} <%= 1 %> #{1}"
const entities = '&lt;script&gt; &#60;img&#62; &amp;amp; &nbsp &copy; %3Cscript%3E \\u003cscript\\u003e'
const turned = '\u202Egnp.exe\u202C \u2067שלום עולם\u2069 مرحبا بالعالم \u200F\u200B\uFEFF'
const family = '👩‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿👩🏽‍🚀'
const stacked = `Z${'\u0300\u0301\u0302\u0303\u0334\u0489'.repeat(4)}A`

/** At most 120 UTF-16 units each, as names are. */
export const names = {
  markup: `${markup} ${family}`,
  attribute: `${attribute} &lt;b&gt; ${turned}`.slice(0, 120).toWellFormed(),
  closing: closing.slice(0, 120),
  template: template.slice(0, 120),
  turned: `${turned} ${family} ${stacked} &amp;`,
  wide: 'W'.repeat(120),
}

const links = [
  'javascript:window.__pwned=1',
  'JaVaScRiPt://%0awindow.__pwned=1',
  'data:text/html,<script>window.__pwned=1</script>',
  'https://evil.example/"onmouseover="window.__pwned=1',
  "https://evil.example/'><script>window.__pwned=1</script>",
  '#tag"><b> @who"><i>',
].join(' ')

/** What is left out of XML, and what terminals and parsers stumble over. NUL cannot be stored and is refused elsewhere. */
const controls = 'a\u0001\u0008\u000B\u000C\u001B\u007F\u0085\u2028\u2029\uFFFE\uFFFFz ]]> <![CDATA['

/** A post that fits everywhere (500 graphemes). */
export const short = `${markup} ${entities} ${family}\r\n${turned} ${links.slice(0, 120)}`

/** A post with all of it, and a word of 10,000 letters. */
export const long = [
  markup,
  attribute,
  closing,
  template,
  entities,
  turned,
  family,
  stacked.repeat(40),
  links,
  controls,
  'W'.repeat(10_000),
].join('\r\n')

export const mail = `"'><img/src=x/onerror=window.__pwned=1>@evil.example`
export const tag = '<b onclick=window.__pwned=1>"\'>'
export const query = encodeURIComponent(
  `"'><script>window.__pwned=1</script>\r\nSet-Cookie: a=b ${family} ${turned} {{7*7}}`,
)

/** As a form sends and a textarea gives it back. */
export const lines = (text: string) => text.replaceAll('\r\n', '\n')
