/**
 * Nemo Local in tests written in JavaScript: starts a server on a free port, injects faults,
 * scripts the agent's replies, moves the clock, reads the journal and evaluates the client.
 *
 * Options have JavaScript's names. What goes to the server or comes from it (faults, replies,
 * tokens, journal entries, settings) has the field names of its control API.
 */

/** Something failed; the message says what, and what to do. */
export class NemoLocalError extends Error {
  /** The HTTP status of an error reply of the server. */
  readonly status?: number
}

/** Which `nemolocal` is run. Without both: NEMOLOCAL_COMMAND, else the one on the PATH. */
export interface CommandOptions {
  /** The command as words, as in `['python3', '-m', 'nemolocal']`. No shell reads it. */
  command?: readonly string[]
  /** What `uvx --from` runs: the folder of a clone, a wheel, or a requirement such as `nemolocal==0.1.0`. */
  from?: string
}

export interface ConnectOptions extends CommandOptions {
  /** The token of the control API. Default: NEMO_CONTROL_TOKEN. */
  controlToken?: string
}

export interface StartOptions extends ConnectOptions {
  /** Use this server instead of starting one. */
  url?: string
  /**
   * Settings, as in a settings file: `{ clock: 'manual', seed: 7 }`. By default turns take no time
   * and are never silent by chance, the port is a free one and all data is deleted at the end.
   */
  settings?: Record<string, unknown>
  /** More arguments for `nemolocal serve`, as in `['--scenario', 'rough-network']`. */
  args?: readonly string[]
  /** Milliseconds until the server must be ready (default: 120,000, since uvx may have to download). */
  startTimeout?: number
}

/** Which requests a fault hits: all of the given. */
export interface FaultMatch {
  token_id?: number
  user_id?: string
  client_id?: string
  /** The name of an endpoint, such as `chat` or `render_status`. */
  endpoint?: string
  session?: string
  /** A part of the message. */
  message?: string
  render?: string
}

/** A fault; keys other than these are its own arguments, as in `{ name: 'cut-fin', after: 2 }`. */
export interface Fault {
  name: string
  /** Short for `match: { endpoint }`. */
  endpoint?: string
  match?: FaultMatch
  /** How many matching requests get it (default: 1; 0: all). */
  times?: number
  /** How many matching requests pass before (default: 0). */
  skip?: number
  [argument: string]: unknown
}

export interface ArmedFault {
  id: string
  name: string
  match: FaultMatch
  times: number
  skip: number
  args: Record<string, unknown>
  /** How often it was applied. A fault that was applied all of its times is no longer armed. */
  hits: number
}

/** A scripted reply: what the agent does instead of reading the message. */
export interface Reply {
  name?: string
  match?: {
    /** A part of the message, in any case, or one condition. */
    message?: string | { contains: string } | { equals: string } | { regex: string }
    /** The number of the turn in its session, from 1. */
    turn?: number
    client?: string
    session?: string
    language?: string
  }
  /** How often it is used (0: always). */
  times?: number
  edits?: ReadonlyArray<Record<string, unknown>>
  captions?: string | readonly string[]
  draft?: Record<string, unknown>
  draft_patch?: ReadonlyArray<Record<string, unknown>>
  say?: string
  tools?: ReadonlyArray<{ name: string, args?: Record<string, unknown>, response?: Record<string, unknown> }>
  /** Seconds of the server's clock. */
  wait?: number
  credits?: number
  applied?: 'yes' | 'no' | 'late'
  fault?: string
  events?: ReadonlyArray<Record<string, unknown>>
}

export interface Clock {
  kind: 'real' | 'scaled' | 'manual'
  speed: number
  /** Seconds since the epoch. */
  time: number
  iso: string
  /** On a manual clock: seconds until the next wait ends; null where nothing waits. */
  next?: number | null
}

export interface JournalQuery {
  /** The name of an endpoint, such as `chat` or `render_status`. */
  endpoint?: string
  session?: string
  token_id?: number
  user_id?: string
  /** Only entries later than the one with this id. */
  since?: number
  limit?: number
}

/** What really happened in a turn. */
export interface Turn {
  number: number
  edits: number
  message: string
  silent: boolean
  truth: 'applied' | 'late' | 'not_applied' | 'pending' | 'talk' | 'unknown'
  /** In credits. */
  cost: number
  resend: boolean
  understood?: 'full' | 'part' | 'none'
  [field: string]: unknown
}

/** One exchange; GET /__nemolocal__/openapi.json of a server describes all fields. */
export interface Entry {
  id: number
  /** Seconds since the epoch. */
  started: number
  ended: number
  ending: 'complete' | 'cut by client' | 'cut by fault' | 'cut by server'
  method: string
  url: string
  endpoint: string | null
  status: number
  code: number | null
  rules: string[]
  faults: string[]
  token_id: number | null
  user_id: string | null
  session_id: string | null
  render_id: string | null
  turn: Turn | null
  request_headers: Record<string, string>
  request_body: string
  response_headers: Record<string, string>
  response_body: string
  /** The name of the scripted reply that answered. */
  reply?: string
  [field: string]: unknown
}

export interface VerdictOptions {
  /** Only checks whose id starts with one of these. */
  only?: readonly string[]
  /** Only the client with this user id. */
  user?: string
  /** Only the client with this token id. */
  token?: number
}

export interface CheckVerdict {
  check: string
  rules: string[]
  sentence: string
  level: string
  grade: string
  outcome: 'passed' | 'failed' | 'warning' | 'learned' | 'not applicable' | 'not judgeable' | 'known' | 'error'
  reason: string
  expected: string
  actual: string
  /** The ids of the journal entries that show it. */
  entries: number[]
  /** What the violation costs in the cloud. */
  credits: number
  [field: string]: unknown
}

/** The report of `nemolocal verdict --json`. */
export interface Verdict {
  /** Whether checks applied and none failed. */
  conformant: boolean
  verdicts: CheckVerdict[]
  [field: string]: unknown
}

/** A local server. One that `start` has started ends with this process, however that ends. */
export class LocalServer {
  private constructor ()

  /** Starts a server, or connects to the one at `url`. */
  static start (options?: StartOptions): Promise<LocalServer>

  /** Connects to a server; without `url`, to that of the global setup (NEMO_API_URL). */
  static connect (url?: string, options?: ConnectOptions): Promise<LocalServer>

  /** The address for the client under test. */
  readonly baseUrl: string

  /** The token of the control API, usually "". */
  readonly controlToken: string

  /** Variables with which `connect()` finds this server in another process. */
  readonly environment: Record<string, string>

  /** Creates a token; the fields are those of `POST /__nemolocal__/tokens`. */
  makeToken (wanted?: Record<string, unknown>): Promise<string>

  /** Arms a fault for the next matching requests and returns its id. */
  arm (fault: string | Fault): Promise<string>

  /**
   * Arms a fault, does the work, disarms the fault and returns the result of the work. Fails if the
   * fault was never applied: the work did not do what it should test.
   */
  withFault<T> (fault: string | Fault, work: (server: LocalServer) => T | Promise<T>): Promise<T>

  /** Arms a built-in scenario, such as `rough-network`. */
  loadScenario (name: string): Promise<void>

  /** Returns the faults that are still armed. */
  armed (): Promise<ArmedFault[]>

  clearFaults (): Promise<void>

  /** Adds a scripted reply after the others and returns its name. */
  reply (reply: Reply): Promise<string>

  /** Returns the names of the replies that were never used. */
  unusedReplies (): Promise<string[]>

  clearReplies (): Promise<void>

  clock (): Promise<Clock>

  /** Advances a manual clock (`settings: { clock: 'manual' }`): what becomes due happens. */
  advance (seconds: number): Promise<Clock>

  /** Returns the recorded exchanges, oldest first. */
  journal (query?: JournalQuery): Promise<Entry[]>

  /** Evaluates the recorded clients by the rules for clients. Fails if there was no call. */
  verdict (options?: VerdictOptions): Promise<Verdict>

  /** Fails if a client broke a MUST rule, or if there was none to evaluate. */
  assertConformant (options?: VerdictOptions): Promise<void>

  /** Returns the effective settings, without secrets. */
  settings (): Promise<Record<string, unknown>>

  /** Deletes all data, faults, replies and the journal. */
  reset (): Promise<void>

  /** Stops the server, if `start` has started it, and waits until it has ended. */
  close (): Promise<void>

  /** `await using server = await LocalServer.start()` closes it. */
  [Symbol.asyncDispose] (): Promise<void>
}

/**
 * Starts a server for all tests of a run: for a global setup of your own. Sets NEMO_API_URL, and
 * what else `connect()` needs, for the processes of the tests.
 */
export function shareServer (options?: StartOptions): Promise<LocalServer>

/** Stops the shared server. */
export function closeSharedServer (): Promise<void>
