'use strict'

const http = require('node:http')
const https = require('node:https')
const { NemoLocalError } = require('./errors.js')

/**
 * Calls the control API of a server. Not by `fetch`, which environments such as jsdom lack, and
 * which can be told to use a proxy.
 */
class ControlApi {
  /** @param {string} baseUrl @param {string} controlToken */
  constructor (baseUrl, controlToken) {
    this.baseUrl = checkUrl(baseUrl)
    this.controlToken = controlToken
  }

  /**
   * Returns the JSON of a reply.
   * @param {string} method
   * @param {string} path below `/__nemolocal__/`
   * @param {{ body?: unknown, query?: Record<string, unknown> }} [details]
   */
  async call (method, path, details) {
    return JSON.parse(await this.callText(method, path, details))
  }

  /**
   * Returns the text of a reply; an error reply becomes a `NemoLocalError` with its message.
   * @param {string} method
   * @param {string} path
   * @param {{ body?: unknown, query?: Record<string, unknown> }} [details]
   */
  async callText (method, path, { body, query = {} } = {}) {
    const url = new URL(`${this.baseUrl}/__nemolocal__/${path}`)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    /** @type {Record<string, string>} */
    const headers = this.controlToken ? { 'X-Nemolocal-Control-Token': this.controlToken } : {}
    const { status, text } = await this.#exchange(method, url, headers, body)
    if (status >= 400) throw new NemoLocalError(errorMessage(text, status), { status })
    return text
  }

  /**
   * @param {string} method
   * @param {URL} url
   * @param {Record<string, string>} headers
   * @param {unknown} body
   * @returns {Promise<{ status: number, text: string }>}
   */
  #exchange (method, url, headers, body) {
    const data = body === undefined ? undefined : JSON.stringify(body)
    if (data !== undefined) headers = { ...headers, 'Content-Type': 'application/json' }
    const { request } = url.protocol === 'https:' ? https : http
    return new Promise((resolve, reject) => {
      /** @param {Error} cause */
      const fail = cause => reject(new NemoLocalError(`no reply from ${this.baseUrl}: ${cause.message}`, { cause }))
      // A connection of its own: a kept one may be closed by the server just when it is used.
      const sent = request(url, { method, headers, agent: false }, reply => {
        /** @type {Buffer[]} */
        const chunks = []
        reply.on('data', chunk => chunks.push(chunk))
        reply.on('error', fail)
        reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
      })
      sent.on('error', fail)
      sent.end(data)
    })
  }
}

/** @param {string} text */
function checkUrl (text) {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && ['http:', 'https:'].includes(url.protocol)) return text.replace(/\/+$/, '')
  throw new NemoLocalError(`not the URL of a server: ${text}`)
}

/** @param {string} text @param {number} status */
function errorMessage (text, status) {
  try {
    return String(JSON.parse(text).message)
  } catch {
    return `HTTP status ${status}: ${text.slice(0, 200)}`
  }
}

module.exports = { ControlApi }
