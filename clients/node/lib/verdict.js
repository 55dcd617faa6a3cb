'use strict'

const { execFile } = require('node:child_process')
const { mkdtemp, rm, writeFile } = require('node:fs/promises')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { NemoLocalError } = require('./errors.js')

const NO_CALL = 'no calls to evaluate: the client under test must use the `baseUrl` of the server'
const MAX_REPORT_BYTES = 64 * 2 ** 20

/**
 * Evaluates a journal by `nemolocal verdict`.
 * @param {string[]} command
 * @param {string} journal JSON Lines
 * @param {import('../index.js').VerdictOptions} options
 * @returns {Promise<import('../index.js').Verdict>}
 */
async function evaluateJournal (command, journal, { only = [], user, token }) {
  if (journal.trim() === '') throw new NemoLocalError(NO_CALL)
  // In one word with its option, so that a value may begin with a dash.
  const chosen = only.map(prefix => `--only=${prefix}`)
  if (user !== undefined) chosen.push(`--user=${user}`)
  if (token !== undefined) chosen.push(`--token=${token}`)
  const folder = await mkdtemp(path.join(tmpdir(), 'nemolocal-node-'))
  try {
    const file = path.join(folder, 'journal.jsonl')
    await writeFile(file, journal)
    return await run([...command, 'verdict', file, '--json', ...chosen])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @param {string[]} words @returns {Promise<import('../index.js').Verdict>} */
function run ([program, ...rest]) {
  return new Promise((resolve, reject) => {
    execFile(program, rest, { maxBuffer: MAX_REPORT_BYTES, windowsHide: true }, (error, stdout, stderr) => {
      // Status 1 or 2 with a report: a check failed, or none applied.
      if (stdout.startsWith('{')) resolve({ conformant: error === null, ...JSON.parse(stdout) })
      else reject(new NemoLocalError((stderr || String(error)).trim(), { cause: error }))
    })
  })
}

/**
 * The broken MUST rules of a report, a line each; empty if it is conformant.
 * @param {import('../index.js').Verdict} verdict
 */
function brokenRules ({ conformant, verdicts }) {
  const broken = verdicts.filter(({ outcome }) => outcome === 'failed' || outcome === 'error')
  if (broken.length > 0) return broken.map(describe)
  return conformant ? [] : ['nothing to evaluate: no client made a call that these checks apply to']
}

/** @param {import('../index.js').CheckVerdict} verdict */
function describe ({ check, sentence, reason, expected, actual, entries }) {
  const why = reason || (expected || actual ? `expected ${expected}, got ${actual}` : sentence)
  const shown = entries.length === 1 ? ` (entry ${entries[0]})` : ` (entries ${entries.join(', ')})`
  return `${check}: ${why}` + (entries.length > 0 ? shown : '')
}

module.exports = { brokenRules, evaluateJournal }
