'use strict'

const { shareServer } = require('./lib/shared_server.js')

module.exports = async function setup () {
  await shareServer()
}
