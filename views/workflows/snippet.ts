/**
 * JavaScript for n8n's Code node, placed after a Webhook node with Raw Body on: lets a call of ours through and stops
 * every other. `crypto` has to be allowed there. https://docs.n8n.io/code/cookbook/code-node/get-binary-data-buffer/
 */
export const verifySnippet = (
  secret: string,
): string => `// n8n must allow it: NODE_FUNCTION_ALLOW_BUILTIN=crypto
const { createHmac, timingSafeEqual } = require('crypto')
const secret = ${JSON.stringify(secret)}
const { headers } = $input.first().json
const body = await this.helpers.getBinaryDataBuffer(0, 'data')

const id = headers['webhook-id']
const timestamp = headers['webhook-timestamp']
const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
const hmac = createHmac('sha256', key)
const own = hmac.update(id + '.' + timestamp + '.').update(body).digest()
const list = String(headers['webhook-signature']).split(' ')
const signed = list.some(part => {
  const given = Buffer.from(part.replace('v1,', ''), 'base64')
  return given.length === own.length && timingSafeEqual(given, own)
})
const late = Math.abs(Date.now() / 1000 - Number(timestamp)) > 300
if (!signed) throw new Error('This call is not from Masthead.')
if (late) throw new Error('This call is too old, or a clock is wrong.')

// A repeat of the same run carries the same id.
return [{ json: { id, ...JSON.parse(body.toString('utf8')) } }]
`
