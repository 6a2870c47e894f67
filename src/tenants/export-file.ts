import { NotFound } from '../errors.ts'
import type { Services } from '../services.ts'

/** An export as a download that nobody on the way keeps. @throws NotFound when the file has gone */
export async function exportFile(
  { storage }: Pick<Services, 'storage'>,
  file: { path: string; name: string },
): Promise<Response> {
  const body = await storage.read(file.path)
  if (!body) throw new NotFound('The file of this export is not there any more. Prepare a new one.')
  return new Response(body, {
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${file.name}"`,
      'cache-control': 'no-store',
      'content-security-policy': 'sandbox',
    },
  })
}
