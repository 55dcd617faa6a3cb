'use strict'

/** Something failed; the message says what, and what to do. `status` is that of an HTTP reply. */
class NemoLocalError extends Error {
  /** @param {string} message @param {{ status?: number, cause?: unknown }} [details] */
  constructor (message, details = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.name = 'NemoLocalError'
    this.status = details.status
  }
}

module.exports = { NemoLocalError }
