// How servers start and end; these tests start several.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { LocalServer } from 'nemolocal'

const FOLDER = fileURLToPath(new URL('..', import.meta.url))
const START = "const { LocalServer } = require('nemolocal'); LocalServer.start().then(server => { console.log(server.baseUrl)"
const POLL = 50

/** Starts a program that starts a server, and then does `rest`. @param {string} rest */
async function program (rest) {
  const child = spawn(process.execPath, ['-e', `${START}; ${rest} })`], { cwd: FOLDER, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  return { child, ended, url: line.trim() }
}

/** Whether anybody listens there. @param {string} url */
async function isListening (url) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Waits until the server has ended; the timeout of the test is the limit. @param {string} url */
async function ending (url) {
  while (await isListening(url)) await sleep(POLL)
}

for (const signal of /** @type {const} */ (['SIGINT', 'SIGKILL'])) {
  it(`ends with its program, killed by ${signal}`, { timeout: 300_000 }, async () => {
    const { child, ended, url } = await program('setInterval(() => {}, 1000)')
    assert.equal(await isListening(url), true)
    child.kill(signal)
    assert.deepEqual(await ended, [null, signal])
    await ending(url)
  })
}

it('does not keep a program alive that forgets to close it', { timeout: 300_000 }, async () => {
  const { ended, url } = await program('')
  assert.deepEqual(await ended, [0, null])
  await ending(url)
})

it('ends when it is closed, twice too', { timeout: 300_000 }, async () => {
  const server = await LocalServer.start()
  const url = server.baseUrl
  await Promise.all([server.close(), server.close()])
  assert.equal(await isListening(url), false)
  await server.close()
  await assert.rejects(server.journal(), /the server has ended with status 0/)
})

it('has a control token where other machines can reach it', { timeout: 300_000 }, async () => {
  await using(await LocalServer.start({ settings: { host: '0.0.0.0', allowed_hosts: ['127.0.0.1'] } }), async server => {
    const url = server.baseUrl.replace('0.0.0.0', '127.0.0.1')
    await assert.rejects((await LocalServer.connect(url)).settings(), { name: 'NemoLocalError', status: 403 })
    const { controlToken } = server
    assert.equal((await (await LocalServer.connect(url, { controlToken })).clock()).kind, 'real')
  })
})

it('says why the server did not start', { timeout: 300_000 }, async () => {
  await assert.rejects(LocalServer.start({ settings: { sneed: 7 } }), /ended with status 2: .*sneed/s)
  await assert.rejects(LocalServer.start({ settings: { seed: null } }), /settings.seed: null is not a value of a setting/)
  await assert.rejects(LocalServer.start({ command: ['no-such-program'] }), /ENOENT/)
  await assert.rejects(LocalServer.start({ command: [] }), /`command` must be a list of words/)
})

it('kills a program that does not become ready', { timeout: 300_000 }, async () => {
  const command = [process.execPath, '-e', 'setInterval(() => {}, 1000)']
  await assert.rejects(LocalServer.start({ command, startTimeout: 100 }), /was not ready within 100 ms/)
})

it('evaluates clients', { timeout: 300_000 }, async () => {
  await using(await LocalServer.start(), async server => {
    await assert.rejects(server.assertConformant(), /no calls to evaluate/)
    await fetch(`${server.baseUrl}/api/credits/balance/simple`, { headers: { Authorization: `Bearer ${await server.makeToken()}` } })
    const verdict = await server.verdict()
    assert.equal(verdict.conformant, false)
    await assert.rejects(server.assertConformant(), /the client broke the contract:\nclient\.attribution: .+ \(entry 1\)/)
    await assert.rejects(server.assertConformant({ user: '-1' }), /nothing to evaluate/)
    await assert.rejects(server.verdict({ only: ['no-such-check'] }), /no check id starts with this/)
  })
})

/** @param {LocalServer} server @param {(server: LocalServer) => Promise<void>} work */
async function using (server, work) {
  try {
    await work(server)
  } finally {
    await server.close()
  }
}
