// `node --test test/`: needs `nemolocal` on the PATH, or NEMOLOCAL_COMMAND.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { LocalServer, NemoLocalError, closeSharedServer, shareServer } from 'nemolocal'

describe('a local server', () => {
  /** @type {LocalServer} */
  let server

  before(async () => { server = await LocalServer.start({ settings: { clock: 'manual', seed: 7, skills: [{ source: 'döner "x"' }] } }) })
  after(() => server.close())
  beforeEach(() => server.reset())

  /** @param {string} token */
  const balance = token => fetch(`${server.baseUrl}/api/credits/balance/simple`, { headers: { Authorization: `Bearer ${token}` } })

  it('has the settings that it was started with', async () => {
    const settings = await server.settings()
    assert.equal(settings.clock, 'manual')
    assert.deepEqual(settings.turn_times.edit, [0, 0])
    assert.equal(settings.skills[0].source, 'döner "x"')
  })

  it('creates tokens', async () => {
    const reply = await balance(await server.makeToken({ credits: 5 }))
    assert.equal((await reply.json()).data.available, 5)
  })

  it('injects a fault for the time of some work', async () => {
    const token = await server.makeToken()
    const first = await server.withFault('server-error', () => balance(token))
    assert.deepEqual([first.status, (await balance(token)).status], [500, 200])
    await server.withFault({ name: 'server-error', endpoint: 'balance', times: 0 }, () => balance(token))
    assert.equal((await balance(token)).status, 200)
    assert.deepEqual(await server.armed(), [])
  })

  it('says that a fault was never applied', async () => {
    await assert.rejects(server.withFault('silent', () => {}), /the fault silent was never applied/)
    assert.deepEqual(await server.armed(), [])
  })

  it('passes on the error of the work, and disarms the fault', async () => {
    await assert.rejects(server.withFault('silent', () => { throw new TypeError('of the test') }), TypeError)
    assert.deepEqual(await server.armed(), [])
  })

  it('names the field of a fault that is wrong', async () => {
    await assert.rejects(server.arm('silentt'), error =>
      error instanceof NemoLocalError && error.status === 400 && /unknown fault 'silentt'/.test(error.message))
  })

  it('advances its clock', async () => {
    const { time } = await server.clock()
    assert.equal((await server.advance(60)).time, time + 60)
  })

  it('answers by scripted replies', async () => {
    const name = await server.reply({ match: { message: 'captions' }, say: 'Done!' })
    assert.deepEqual(await server.unusedReplies(), [name])
    await server.clearReplies()
    assert.deepEqual(await server.unusedReplies(), [])
  })

  it('has a journal of the calls of clients alone', async () => {
    await balance(await server.makeToken())
    const entries = await server.journal({ endpoint: 'balance' })
    assert.deepEqual(entries.map(({ method, status, code }) => [method, status, code]), [['GET', 200, 0]])
    assert.deepEqual(await server.journal({ endpoint: 'chat' }), [])
    await server.reset()
    assert.deepEqual(await server.journal(), [])
  })

  it('is found by the processes of the tests when it is shared', async () => {
    const shared = await shareServer({ url: server.baseUrl })
    try {
      assert.equal(process.env.NEMO_API_URL, server.baseUrl)
      assert.equal((await LocalServer.connect()).baseUrl, shared.baseUrl)
      await assert.rejects(shareServer({}), /a server with other options is shared already/)
    } finally {
      await closeSharedServer()
    }
    await assert.rejects(LocalServer.connect(), /no server to connect to/)
    assert.equal((await server.clock()).kind, 'manual')
  })

  it('is told from other servers', async () => {
    await assert.rejects(LocalServer.connect(`${server.baseUrl}/elsewhere`), /no Nemo Local server at/)
    await assert.rejects(LocalServer.connect('nonsense'), /not the URL of a server: nonsense/)
  })
})
