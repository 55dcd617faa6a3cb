'use strict'

const { COMMAND_VARIABLE, findCommand } = require('./command.js')
const { ControlApi } = require('./control_api.js')
const { NemoLocalError } = require('./errors.js')
const { ServerProcess } = require('./server_process.js')
const { brokenRules, evaluateJournal } = require('./verdict.js')

/** The address of the server, for clients under test as for `connect`. */
const URL_VARIABLE = 'NEMO_API_URL'
const TOKEN_VARIABLE = 'NEMO_CONTROL_TOKEN'
/** As in the pytest plugin: turns take no time and are never silent by chance. */
const TEST_SETTINGS = {
  silence: { rate: 0 },
  turn_times: { talk: [0, 0], edit: [0, 0], generation: [0, 0] }
}

/** @typedef {import('../index.js').CommandOptions} CommandOptions */

/** A local server, and what tests do with it; `index.d.ts` documents it. */
class LocalServer {
  #api
  #process
  #command

  /**
   * @param {ControlApi} api
   * @param {CommandOptions} command
   * @param {ServerProcess} [process]
   */
  constructor (api, command, process) {
    this.#api = api
    this.#command = command
    this.#process = process
  }

  /** @param {import('../index.js').StartOptions} [options] */
  static async start (options = {}) {
    if (options.url !== undefined) return LocalServer.connect(options.url, options)
    const command = findCommand(options)
    const settings = { ...TEST_SETTINGS, ...options.settings }
    const process = await ServerProcess.start(command, { ...options, settings })
    return new LocalServer(new ControlApi(process.baseUrl, process.controlToken), { command }, process)
  }

  /** @param {string} [url] @param {import('../index.js').ConnectOptions} [options] */
  static async connect (url = process.env[URL_VARIABLE], { controlToken, command, from } = {}) {
    if (!url) {
      throw new NemoLocalError(`no server to connect to: give its URL, set ${URL_VARIABLE}, or use the global setup of nemolocal`)
    }
    const api = new ControlApi(url, controlToken ?? process.env[TOKEN_VARIABLE] ?? '')
    // Nothing is reset or armed on a server that is not one of ours.
    const health = await api.call('GET', 'health').catch(error => ({ error }))
    if (health.name !== 'nemolocal') {
      const cause = health.error
      throw new NemoLocalError(`no Nemo Local server at ${url}` + (cause ? `: ${cause.message}` : ''), { cause })
    }
    return new LocalServer(api, { command, from })
  }

  get baseUrl () {
    return this.#api.baseUrl
  }

  get controlToken () {
    return this.#api.controlToken
  }

  /** @returns {Record<string, string>} */
  get environment () {
    const { command, from } = this.#command
    return {
      [URL_VARIABLE]: this.baseUrl,
      ...(this.controlToken && { [TOKEN_VARIABLE]: this.controlToken }),
      ...((command || from) && { [COMMAND_VARIABLE]: JSON.stringify(findCommand(this.#command)) })
    }
  }

  /** @param {Record<string, unknown>} [wanted] @returns {Promise<string>} */
  async makeToken (wanted = {}) {
    return (await this.#call('POST', 'tokens', { body: { user_id: 'user_1', ...wanted } })).token
  }

  /** @param {string | import('../index.js').Fault} fault @returns {Promise<string>} */
  async arm (fault) {
    const { name, endpoint, match, times = 1, skip = 0, ...args } = typeof fault === 'string' ? { name: fault } : fault
    const wanted = { ...match, ...(endpoint === undefined ? {} : { endpoint }) }
    return (await this.#call('POST', 'faults', { body: { name, match: wanted, times, skip, args } })).id
  }

  /**
   * @template T
   * @param {string | import('../index.js').Fault} fault
   * @param {(server: LocalServer) => T | Promise<T>} work
   * @returns {Promise<T>}
   */
  async withFault (fault, work) {
    const id = await this.arm(fault)
    let result
    try {
      result = await work(this)
    } catch (error) {
      // The error of the test counts, even if the server is gone.
      await this.#disarm(id).catch(() => {})
      throw error
    }
    if (await this.#disarm(id) === 0) {
      const name = typeof fault === 'string' ? fault : fault.name
      throw new NemoLocalError(`the fault ${name} was never applied: no request matched it`)
    }
    return result
  }

  /** How often the fault was applied; undefined if that was all of its times. @param {string} id */
  async #disarm (id) {
    const armed = (await this.armed()).find(fault => fault.id === id)
    if (armed) await this.#call('DELETE', `faults/${id}`)
    return armed?.hits
  }

  /** @param {string} name */
  async loadScenario (name) {
    await this.#call('POST', 'scenarios', { body: { name } })
  }

  /** @returns {Promise<import('../index.js').ArmedFault[]>} */
  async armed () {
    return (await this.#call('GET', 'faults')).armed
  }

  async clearFaults () {
    await this.#call('DELETE', 'faults')
  }

  /** @param {import('../index.js').Reply} reply @returns {Promise<string>} */
  async reply (reply) {
    return (await this.#call('POST', 'replies', { body: reply })).name
  }

  /** @returns {Promise<string[]>} */
  async unusedReplies () {
    return (await this.#call('GET', 'replies')).unused
  }

  async clearReplies () {
    await this.#call('DELETE', 'replies')
  }

  /** @returns {Promise<import('../index.js').Clock>} */
  clock () {
    return this.#call('GET', 'clock')
  }

  /** @param {number} seconds @returns {Promise<import('../index.js').Clock>} */
  advance (seconds) {
    return this.#call('POST', 'clock/advance', { body: { seconds } })
  }

  /** @param {import('../index.js').JournalQuery} [query] @returns {Promise<import('../index.js').Entry[]>} */
  async journal (query = {}) {
    return (await this.#call('GET', 'journal', { query: { ...query } })).entries
  }

  /** @param {import('../index.js').VerdictOptions} [options] */
  async verdict (options = {}) {
    const journal = await this.#text('GET', 'journal', { query: { format: 'jsonl' } })
    return evaluateJournal(findCommand(this.#command), journal, options)
  }

  /** @param {import('../index.js').VerdictOptions} [options] */
  async assertConformant (options = {}) {
    const broken = brokenRules(await this.verdict(options))
    if (broken.length > 0) throw new NemoLocalError(['the client broke the contract:', ...broken].join('\n'))
  }

  /** @returns {Promise<Record<string, unknown>>} */
  settings () {
    return this.#call('GET', 'settings')
  }

  async reset () {
    await this.#call('POST', 'reset', { body: {} })
  }

  async close () {
    await this.#process?.stop()
  }

  async [Symbol.asyncDispose] () {
    await this.close()
  }

  /** @param {string} method @param {string} path @param {Parameters<ControlApi['callText']>[2]} [details] */
  async #call (method, path, details) {
    return JSON.parse(await this.#text(method, path, details))
  }

  /** @param {string} method @param {string} path @param {Parameters<ControlApi['callText']>[2]} [details] */
  async #text (method, path, details) {
    try {
      return await this.#api.callText(method, path, details)
    } catch (error) {
      const { ending, output } = this.#process ?? {}
      if (!ending) throw error
      throw new NemoLocalError(`the server has ended with ${ending}\n${output}`.trimEnd(), { cause: error })
    }
  }
}

module.exports = { LocalServer }
