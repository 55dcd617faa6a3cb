'use strict'

const { NemoLocalError } = require('./errors.js')

/**
 * Settings as a TOML document: a line for each key. Keys without a value are left out.
 * @param {Record<string, unknown>} settings
 */
function writeToml (settings) {
  return pairs(settings, 'settings').map(pair => pair + '\n').join('')
}

/** @param {object} table @param {string} path @returns {string[]} */
function pairs (table, path) {
  return Object.entries(table)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${quote(key, path)} = ${write(value, `${path}.${key}`)}`)
}

/** @param {unknown} value @param {string} path @returns {string} */
function write (value, path) {
  if (typeof value === 'string') return quote(value, path)
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return writeNumber(value)
  if (Array.isArray(value)) return `[${value.map((item, at) => write(item, `${path}[${at}]`)).join(', ')}]`
  if (typeof value === 'object' && value !== null) return `{ ${pairs(value, path).join(', ')} }`
  throw new NemoLocalError(`${path}: ${value} is not a value of a setting`)
}

/** Beyond this, JavaScript writes an integer with an exponent. @param {number} value */
function writeNumber (value) {
  return Number.isSafeInteger(value) ? String(value) : value.toExponential().replace('e+', 'e')
}

/** A string of JSON is one of TOML, but for the character DEL. @param {string} text @param {string} path */
function quote (text, path) {
  if (!text.isWellFormed()) throw new NemoLocalError(`${path}: the text is not valid Unicode`)
  return JSON.stringify(text).replaceAll('\x7f', '\\u007f')
}

module.exports = { writeToml }
