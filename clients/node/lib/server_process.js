'use strict'

const { spawn } = require('node:child_process')
const { randomBytes } = require('node:crypto')
const { mkdtemp, rm, writeFile } = require('node:fs/promises')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { NemoLocalError } = require('./errors.js')
const { writeToml } = require('./toml.js')

const READY = /^Nemo Local serves (\S+) /m
/** The first run of uvx downloads the dependencies. */
const START_TIMEOUT = 120_000
/** The server ends open streams within two seconds, and waits for renders that it stops. */
const STOP_TIMEOUT = 10_000
const KEPT_OUTPUT = 4_000

/**
 * A `nemolocal serve` of our own. It stops when its standard input ends: when we close that pipe,
 * or when the operating system does, since this process has ended, in whatever way.
 */
class ServerProcess {
  /** @param {string[]} words @param {NodeJS.ProcessEnv} env */
  constructor (words, env) {
    /** The last words of the server, for errors. */
    this.output = ''
    this.baseUrl = ''
    this.controlToken = env.NEMO_CONTROL_TOKEN ?? ''
    /** How it ended, as in "status 2". */
    this.ending = ''
    const [program, ...rest] = words
    // A process group of its own: Ctrl-C must not stop the server before the tests have ended.
    this.child = spawn(program, rest, { env, stdio: 'pipe', detached: process.platform !== 'win32', windowsHide: true })
    /** @type {Promise<void>} */
    this.ended = new Promise(resolve => {
      /** @param {string} ending */
      const end = ending => {
        this.ending ||= ending
        resolve()
      }
      this.child.on('error', error => end(error.message))
      // After `exit` the last output may still be unread.
      this.child.on('close', (status, signal) => end(signal ?? `status ${status}`))
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', text => { this.output = (this.output + text).slice(-KEPT_OUTPUT) })
    }
    // The server may be gone when the pipe is closed.
    this.child.stdin.on('error', () => {})
  }

  /**
   * Starts a server and waits until it is ready.
   * @param {string[]} command
   * @param {import('../index.js').StartOptions} options
   */
  static async start (command, { settings = {}, args = [], controlToken, startTimeout = START_TIMEOUT }) {
    const folder = await mkdtemp(path.join(tmpdir(), 'nemolocal-node-'))
    try {
      const config = path.join(folder, 'settings.toml')
      await writeFile(config, writeToml(settings))
      const env = { ...process.env, NEMO_CONTROL_TOKEN: controlToken ?? process.env.NEMO_CONTROL_TOKEN ?? makeControlToken(settings) }
      const port = settings.port === undefined ? ['--port', '0'] : []
      const data = settings.data_dir === undefined ? ['--data', ''] : []
      const words = [...command, 'serve', '--stop-with-stdin', '--config', config, ...port, ...data, ...args]
      const server = new ServerProcess(words, env)
      await server.#waitUntilReady(startTimeout)
      return server
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** @param {number} timeout in milliseconds */
  async #waitUntilReady (timeout) {
    let printed = ''
    /** @type {Promise<void>} */
    const ready = new Promise(resolve => this.child.stdout.on('data', text => {
      if (this.baseUrl) return
      this.baseUrl = READY.exec(printed += text)?.[1] ?? ''
      if (this.baseUrl) resolve()
    }))
    const reached = await within(timeout, Promise.race([ready, this.ended]))
    if (this.baseUrl && !this.ending) {
      this.output = ''
      this.#holdEventLoop(false)
      return
    }
    const reason = reached ? `ended with ${this.ending}` : `was not ready within ${timeout} ms`
    this.#kill()
    await this.ended
    throw new NemoLocalError(`the server ${reason}: ${this.child.spawnargs.join(' ')}\n${this.output}`.trimEnd())
  }

  /** Whether this process must stay alive for the server's sake. @param {boolean} isHeld */
  #holdEventLoop (isHeld) {
    const streams = [this.child.stdin, this.child.stdout, this.child.stderr]
    for (const handle of [this.child, .../** @type {import('node:net').Socket[]} */ (/** @type {unknown} */ (streams))]) {
      isHeld ? handle.ref() : handle.unref()
    }
  }

  /** Stops the server and waits until it has ended; a second call waits, too. */
  async stop () {
    this.#holdEventLoop(true)
    this.child.stdin.end()
    if (await within(STOP_TIMEOUT, this.ended)) return
    this.#kill()
    await this.ended
  }

  /** Ends the server at once, and a `uvx` around it. */
  #kill () {
    if (this.ending) return
    const { pid } = this.child
    if (pid === undefined || process.platform === 'win32') {
      this.child.kill('SIGKILL')
      return
    }
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has just ended.
    }
  }
}

/** Where other machines can reach the server, it would make one that we do not know. @param {Record<string, unknown>} settings */
function makeControlToken ({ host, control_token: chosen }) {
  if (typeof chosen === 'string') return chosen
  return host === undefined ? '' : `ctl_${randomBytes(24).toString('base64url')}`
}

/**
 * Whether `work` was done within so many milliseconds.
 * @param {number} timeout @param {Promise<unknown>} work
 */
async function within (timeout, work) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise(resolve => { timer = setTimeout(resolve, timeout, false) })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}

module.exports = { ServerProcess }
