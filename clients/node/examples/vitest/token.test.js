// Moves the time, so it has a server of its own.
import { LocalServer } from 'nemolocal'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MyClient } from '../client.js'

let server

beforeAll(async () => { server = await LocalServer.start({ settings: { clock: 'manual' } }) })
afterAll(() => server?.close())

test('an expired token is reported as 1001', async () => {
  const client = new MyClient(server.baseUrl, await server.makeToken({ credits: 70, expires_in: 60 }))
  expect(await client.balance()).toBe(70)
  await server.advance(61)
  await expect(client.balance()).rejects.toMatchObject({ code: 1001 })
  expect((await server.journal({ endpoint: 'balance' })).map(entry => entry.code)).toEqual([0, 1001])
})
