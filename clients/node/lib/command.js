'use strict'

const { accessSync, constants, statSync } = require('node:fs')
const path = require('node:path')
const { NemoLocalError } = require('./errors.js')

/** The command as a JSON list of words: the global setup hands it to the processes of the tests. */
const COMMAND_VARIABLE = 'NEMOLOCAL_COMMAND'

/**
 * The words that run `nemolocal`: those given, `uvx --from …`, those of NEMOLOCAL_COMMAND, or an
 * installed `nemolocal`. A package is never downloaded unless `from` names it.
 * @param {import('../index.js').CommandOptions} options
 * @returns {string[]}
 */
function findCommand ({ command, from } = {}) {
  if (command !== undefined && from !== undefined) {
    throw new NemoLocalError('give `command` or `from`, not both')
  }
  if (command !== undefined) return checkWords(command, '`command`')
  if (from !== undefined) return [...uvx(), '--from', checkWords([from], '`from`')[0], 'nemolocal']
  const handed = process.env[COMMAND_VARIABLE]
  if (handed) return checkWords(parse(handed), COMMAND_VARIABLE)
  if (isOnPath('nemolocal')) return ['nemolocal']
  throw new NemoLocalError(
    'nemolocal is not on the PATH: install it (in a clone of its repository: `pip install .`), or ' +
    'give `from`, a folder or a wheel that uvx runs, or `url`, a server that runs already'
  )
}

function uvx () {
  if (isOnPath('uvx')) return ['uvx']
  if (isOnPath('uv')) return ['uv', 'tool', 'run']
  throw new NemoLocalError('`from` needs uvx, which comes with uv: https://docs.astral.sh/uv/')
}

/** @param {string} text @returns {unknown} */
function parse (text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @param {unknown} words @param {string} name @returns {string[]} */
function checkWords (words, name) {
  const isList = Array.isArray(words) && words.length > 0
  if (isList && words.every(word => typeof word === 'string' && word !== '')) return [...words]
  throw new NemoLocalError(`${name} must be a list of words, such as ["python3", "-m", "nemolocal"]`)
}

/** @param {string} program */
function isOnPath (program) {
  const names = process.platform === 'win32' ? [`${program}.exe`] : [program]
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean)
  return folders.some(folder => names.some(name => isExecutable(path.join(folder, name))))
}

/** @param {string} file */
function isExecutable (file) {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

module.exports = { COMMAND_VARIABLE, findCommand }
