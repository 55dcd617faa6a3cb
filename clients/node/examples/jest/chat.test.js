// Uses the server of the global setup, which other test files use at the same time: each test has
// a user of its own, and narrows its faults and replies to it.
const { randomUUID } = require('node:crypto')
const { LocalServer } = require('nemolocal')
const { MyClient, PICTURE } = require('../client.js')

let server, client, user

beforeEach(async () => {
  server = await LocalServer.connect()
  user = randomUUID()
  client = new MyClient(server.baseUrl, await server.makeToken({ user_id: user }))
  await client.open()
  await client.upload('picture.png', PICTURE)
})

test('shows the words of the agent', async () => {
  await server.reply({ match: { session: client.session }, edits: [], say: 'Done! The captions are there.' })
  expect(await client.say('add captions')).toBe('Done! The captions are there.')
  await server.assertConformant({ user })
})

test('a silent turn is answered from the state', async () => {
  const said = await server.withFault({ name: 'silent', match: { user_id: user } }, () => client.say('add a title "Hello"'))
  expect(said).toBe('The video has changed.')
  await server.assertConformant({ user })
})
