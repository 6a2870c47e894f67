/** One lane of a worker, held at every point at which something else could happen in between. */
import type { Scope } from '../../src/db/scope.ts'
import { type ClaimedJob, claimJobs } from '../../src/jobs/claim.ts'
import { sendJob } from '../../src/jobs/send.ts'
import type { Together } from '../../src/jobs/together.ts'
import type { Services } from '../../src/services.ts'
import type { Person } from '../cast.ts'

/** What every call of a dead process gets: it comes to nothing, here and at the platform. */
class Dead extends Error {}
/** What a call outside meets in this model: it tells whose call it was. */
export class CalledBy extends Error {
  constructor(readonly lane: Lane) {
    super('nothing goes out here')
  }
}
/** The database took the transaction, and its answer did not arrive. */
class AnswerLost extends Error {}

export interface Gate {
  at: string
  choices: readonly string[]
}

export class Lane {
  gate: Gate | null = null
  job: ClaimedJob | null = null
  dead = false
  /** The next write is the one that arms. */
  arming = false
  /** Everything that this send has met so far: with the rows it tells all that it will do. */
  met: string[] = []
  readonly services: Services
  #go: ((choice: string) => void) | null = null
  #arrived: (() => void) | null = null

  constructor(
    readonly name: string,
    services: Services,
    private readonly person: Person,
  ) {
    // Each lane has a way out of its own: by it the platform of the model knows who calls.
    this.services = { ...services, outbound: () => Promise.reject(new CalledBy(this)) }
  }

  get busy(): boolean {
    return this.job !== null
  }

  /** Claims with the real function and goes on to the first point where it is held. @returns whether it got one */
  async claim(): Promise<boolean> {
    const {
      jobs: [job],
    } = await this.#within(scope => claimJobs(scope, this.name, 1))
    if (!job) return false
    this.job = job
    this.dead = false
    this.met = [job.armed ? 'armed' : 'fresh', String(job.lost), String(job.tries)]
    const arrived = this.#nextArrival()
    const hands = { together: this.#together, records: this.#together, answered() {} }
    void sendJob(this.services, hands, this.person.tenant, job).finally(() => {
      this.job = null
      this.gate = null
      this.#arrived?.()
    })
    await arrived
    return true
  }

  /** Lets it go on with this choice, to the next point where it is held or to its end. */
  async go(choice: string): Promise<void> {
    this.met.push(`${this.gate?.at}=${choice}`)
    const [go, arrived] = [this.#go, this.#nextArrival()]
    this.gate = null
    go?.(choice)
    await arrived
  }

  /** SIGKILL: nothing that it would have done from here on happens. */
  async kill(): Promise<void> {
    this.dead = true
    await this.go('killed')
  }

  /** Called from within the send: waits here for a choice. */
  async hold(at: string, choices: readonly string[]): Promise<string> {
    if (this.dead) throw new Dead('killed')
    this.gate = { at, choices }
    const { promise, resolve } = Promise.withResolvers<string>()
    this.#go = resolve
    this.#arrived?.()
    const choice = await promise
    if (this.dead) throw new Dead('killed')
    return choice
  }

  #nextArrival(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#arrived = resolve
    return promise
  }

  #within<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    const { id } = this.person.tenant
    return this.services.db.within({ tenantId: id, userId: null, role: 'system' }, work)
  }

  /** Each write of a send: held before it, and its answer may be lost. The answer to arming may also come late. */
  #together: Together = {
    run: (_tenant, work) => this.#write(work),
    inSet: (_tenant, work, item) => this.#write(async scope => (await work(scope, [item]))[0] as never),
  }

  async #write<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    const { arming } = this
    let fate = await this.hold(arming ? 'arm' : 'write', arming ? ['written'] : ['told', 'answer-lost'])
    const result = await this.#within(scope => work(scope)).then(
      value => ({ value }),
      (error: unknown) => ({ error }),
    )
    if (arming) fate = await this.hold('armed', ['told', 'answer-lost'])
    if (fate === 'answer-lost') throw new AnswerLost('the answer was lost')
    if ('error' in result) throw result.error
    return result.value
  }
}
