'use strict'

const { closeSharedServer } = require('./lib/shared_server.js')

module.exports = closeSharedServer
