/** The first `most` bytes of an answer; `whole` is false when there was more. A longer answer is left where it is cut. */
export async function readAtMost(
  response: Response,
  most: number,
): Promise<{ bytes: Uint8Array; whole: boolean }> {
  const parts: Uint8Array[] = []
  let size = 0
  // Leaving the loop early cancels the stream, and with it the connection.
  for await (const part of response.body ?? []) {
    parts.push(part)
    size += part.byteLength
    if (size > most) return { bytes: Buffer.concat(parts).subarray(0, most), whole: false }
  }
  return { bytes: Buffer.concat(parts), whole: true }
}
