/** What `work` finds, or `otherwise` when it fails or takes longer than `ms`; it is not stopped then. */
export async function inTime<T, O>(work: Promise<T>, ms: number, otherwise: O): Promise<T | O> {
  let timer: Timer | undefined
  const late = new Promise<O>(resolve => {
    timer = setTimeout(resolve, ms, otherwise)
  })
  try {
    return await Promise.race([work, late])
  } catch {
    return otherwise
  } finally {
    clearTimeout(timer)
    work.catch(() => {})
  }
}
