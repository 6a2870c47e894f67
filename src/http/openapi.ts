import { z } from 'zod'

const toJsonSchema = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })

const problem = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'instance'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'stable; what a program decides by' },
    detail: { type: 'string', description: 'a sentence that says what to change' },
    instance: { type: 'string' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' } } },
    },
  },
} as const

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', maxLength: 200 },
  description: 'The same key and body within 24 hours gives the same answer and does nothing twice.',
}

interface Route {
  method: string
  path: string
  hooks: {
    body?: z.ZodType
    query?: z.ZodType
    detail?: { summary?: string; tags?: string[]; description?: string }
  }
}

/** OpenAPI 3.1 of the routes under `/api/v1`, made from the same zod schemas that check them. */
export function openApi(app: { routes: unknown }) {
  const paths: Record<string, Record<string, object>> = {}
  for (const { method, path, hooks } of app.routes as Route[]) {
    if (!path.startsWith('/api/v1/') || path.endsWith('/openapi.json')) continue
    const at = path.slice('/api/v1'.length).replace(/:(\w+)/g, '{$1}')
    const verb = method.toLowerCase()
    paths[at] ??= {}
    paths[at][verb] = operation(verb, at, hooks)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Masthead',
      version: '1',
      description:
        'Everything the desk does. Times are ISO 8601; lists answer {items, next}; errors are RFC 9457 problems.',
    },
    servers: [{ url: '/api/v1' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or a token of POST /sessions' },
      },
      responses: {
        Problem: {
          description: 'What went wrong, in words',
          content: { 'application/problem+json': { schema: problem } },
        },
      },
    },
  }
}

function operation(verb: string, path: string, hooks: Route['hooks']): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const wanted: { properties?: Record<string, unknown>; required?: string[] } = hooks.query
    ? toJsonSchema(hooks.query)
    : {}
  const inQuery = Object.entries(wanted.properties ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: wanted.required?.includes(name) ?? false,
    schema,
  }))
  const body = hooks.body ? toJsonSchema(hooks.body) : null
  const answer = { 'application/json': { schema: {} } }
  return {
    ...hooks.detail,
    parameters: [...inPath, ...inQuery, ...(verb === 'get' ? [] : [idempotencyKey])],
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    responses: {
      '2XX': { description: 'Done', content: answer },
      default: { $ref: '#/components/responses/Problem' },
    },
    ...(path === '/sessions' ? { security: [] } : {}),
  }
}
