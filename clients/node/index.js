'use strict'

const { NemoLocalError } = require('./lib/errors.js')
const { LocalServer } = require('./lib/local_server.js')
const { closeSharedServer, shareServer } = require('./lib/shared_server.js')

module.exports = { LocalServer, NemoLocalError, closeSharedServer, shareServer }
