'use strict'

const { NemoLocalError } = require('./errors.js')
const { LocalServer } = require('./local_server.js')

/**
 * The server that this process shares with the processes of the tests.
 * @type {{ options: string, users: number, server: Promise<LocalServer>, previous: NodeJS.ProcessEnv } | undefined}
 */
let shared

/** @param {import('../index.js').StartOptions} [options] */
async function shareServer (options = {}) {
  const described = JSON.stringify(options)
  if (shared && shared.options !== described) {
    throw new NemoLocalError('a server with other options is shared already: use the same options, or start a server in the tests')
  }
  // Several projects of a runner may have the same global setup.
  shared ??= { options: described, users: 0, server: start(options), previous: {} }
  const mine = shared
  mine.users++
  try {
    return await mine.server
  } catch (error) {
    if (shared === mine) shared = undefined
    throw error
  }
}

/** @param {import('../index.js').StartOptions} options */
async function start (options) {
  const server = await LocalServer.start(options)
  for (const [name, value] of Object.entries(server.environment)) {
    if (shared) shared.previous[name] = process.env[name]
    process.env[name] = value
  }
  return server
}

async function closeSharedServer () {
  if (!shared || --shared.users > 0) return
  const { server, previous } = shared
  shared = undefined
  for (const [name, value] of Object.entries(previous)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  await (await server).close()
}

module.exports = { closeSharedServer, shareServer }
