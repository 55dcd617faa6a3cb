// A client of Node's fetch with one job: upload a clip, edit it, export it.
// `node client.mjs CLIP OUTPUT`. It imports nothing of this project.

import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

const [clip, output] = process.argv.slice(2)
const base = process.env.NEMO_API_URL
const speed = Number(process.env.NEMO_SPEED || 1)
const manual = Boolean(process.env.NEMO_TOKEN)
const byStatus = { 401: 1001, 404: 1002, 402: 402, 415: 4001, 413: 4002, 429: 429, 400: 400 }
let token = process.env.NEMO_TOKEN || ''
let clientId = randomUUID()
let session, task

class Failed extends Error {
  constructor (code, text) {
    super(`${code}: ${text}`)
    this.code = code
  }
}
class Cut extends Error {}

const wait = seconds => new Promise(resolve => setTimeout(resolve, seconds * 1000 / speed))

function headers () {
  const names = { 'x-skill-source': 'a-script', 'x-skill-version': '1.0', 'x-skill-platform': 'unknown' }
  return token ? { ...names, authorization: `Bearer ${token}` } : names
}

async function send (method, path, fields, body) {
  const type = typeof body === 'string' ? { 'content-type': 'application/json' } : {}
  try {
    return await fetch(new URL(path, base), { method, headers: { ...fields, ...type }, body })
  } catch (error) {
    throw new Cut(String(error))
  }
}

async function read (reply) {
  try {
    return Buffer.from(await reply.arrayBuffer())
  } catch (error) {
    throw new Cut(String(error))
  }
}

async function result (reply) {
  const text = (await read(reply)).toString()
  let body
  try {
    body = JSON.parse(text)
  } catch {
    throw new Failed(byStatus[reply.status] ?? 500, 'not JSON')
  }
  const code = body.code || (reply.status < 400 ? 0 : byStatus[reply.status] ?? 500)
  if (code) throw new Failed(code, body.message ?? body.error ?? text)
  return body.data ?? body
}

// After 1001 a new token, after 429 a pause, each once (CLI-7).
async function react (failure, tries) {
  if (!(failure instanceof Failed) || ![1001, 429].includes(failure.code) || tries[failure.code]) {
    throw failure
  }
  tries[failure.code] = true
  if (failure.code === 429) await wait(30)
  else if (manual) throw failure
  else await requestToken()
}

async function call (method, path, body) {
  const tries = {}
  for (;;) {
    try {
      return await result(await send(method, path, headers(), body instanceof Function ? body() : body && JSON.stringify(body)))
    } catch (failure) {
      await react(failure, tries)
    }
  }
}

async function requestToken () {
  for (let attempt = 0; ; attempt++) {
    const { authorization, ...names } = headers()
    try {
      const path = '/api/auth/anonymous-token'
      token = (await result(await send('POST', path, { ...names, 'x-client-id': clientId }))).token
      return
    } catch (failure) {
      if (attempt || ![400, 429].includes(failure.code)) throw failure
      if (failure.code === 400) clientId = randomUUID()
      else await wait(30)
    }
  }
}

async function openSession () {
  const found = await call('POST', '/api/tasks/me/with-session/nemo_agent', { task_name: 'project', language: 'en' })
  session = found.session_id
  task = found.task_id
  await call('POST', `/api/upload-video/nemo_agent/me/${session}`, () => {
    const form = new FormData()
    form.append('files', new Blob([readFileSync(clip)]), basename(clip))
    return form
  })
}

const draft = async () => (await call('GET', `/api/state/nemo_agent/me/${session}/latest`)).state.draft

async function edit () {
  let before = await draft()
  const tries = {}
  for (;;) {
    try {
      const [ending, text] = await say()
      return await settle(before, ending, text)
    } catch (failure) {
      if (failure.code === 1002 && !tries[1002]) {
        tries[1002] = true
        await openSession()
        before = await draft()
      } else await react(failure, tries)
    }
  }
}

async function say () {
  const body = { session_id: session, new_message: { parts: [{ text: 'trim to the first second' }] } }
  const began = Date.now()
  let news = began
  let text = false
  try {
    const reply = await send('POST', '/run_sse', { ...headers(), accept: 'text/event-stream' }, JSON.stringify(body))
    if (!(reply.headers.get('content-type') ?? '').startsWith('text/event-stream')) await result(reply)
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of reply.body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop()
      for (const line of lines.filter(line => line.startsWith('data:'))) {
        const data = line.slice(5).trim()
        if (data && !data.includes('"heartbeat"')) {
          news = Date.now()
          text = hasText(data) || text
        }
      }
      const now = Date.now()
      if ((now - news) * speed > 600e3 || (now - began) * speed > 900e3) return ['timeout', text]
    }
  } catch (failure) {
    if (failure instanceof Failed) throw failure
    return ['cut', text]
  }
  return ['end', text]
}

function hasText (data) {
  let event
  try {
    event = JSON.parse(data)
  } catch {
    return false
  }
  if (event.code) throw new Failed(event.code, event.message)
  const texts = event.type ? [event.type === 'text' ? event.content : ''] : (event.content?.parts ?? []).map(part => part.text ?? '')
  return texts.some(text => text.trim() && !text.includes('temporary issue'))
}

// What became of a turn without text is seen in the state alone (CLI-3, CLI-4).
async function settle (before, ending, text) {
  if (ending === 'end' && text) return
  for (const pause of [ending === 'end' ? 0 : 30, ending === 'end' ? 30 : 60, 60, 60, 60]) {
    await wait(pause)
    if (JSON.stringify(await draft()) !== JSON.stringify(before)) return
  }
  throw new Failed(0, 'nothing has changed')
}

async function exportFilm () {
  const found = await draft()
  if (!found.t.some(track => track.sg?.length)) throw new Failed(0, 'nothing to export')
  for (let attempt = 0; ; attempt++) {
    const id = `render_${Date.now()}${attempt}`
    try {
      return await download(id, await render(id, found))
    } catch (failure) {
      if (failure.code || attempt) throw failure
    }
  }
}

async function render (id, found) {
  try {
    await call('POST', '/api/render/proxy/lambda', { id, sessionId: session, draft: found })
  } catch (failure) {
    if (failure.message.includes('duplicate')) throw new Failed(0, failure.message)
    if (!(failure instanceof Cut)) throw failure
  }
  for (let poll = 0; poll < 10; poll++) {
    await wait(30)
    const status = await call('GET', `/api/render/proxy/lambda/${id}`).catch(failure => {
      if (failure instanceof Cut || failure.code === 500) return {}
      throw failure
    })
    if (status.status === 'failed') throw new Failed(0, status.error)
    if (status.status === 'completed') return status
  }
  throw new Failed(-1, 'the export has not ended')
}

async function download (id, status) {
  const ways = [[status.output?.url ?? status.outputUrl, {}], [`/api/render/proxy/${id}/download`, headers()]]
  for (const [path, fields] of ways) {
    const data = await send('GET', path, fields).then(reply => reply.ok && read(reply)).catch(() => null)
    if (data && data.length === (status.output?.size ?? data.length)) return writeFileSync(output, data)
  }
  throw new Failed(-1, 'the file is not to be had')
}

try {
  if (!token) await requestToken()
  await openSession()
  await call('GET', '/api/credits/balance/simple')
  await edit()
  await exportFilm()
  await call('POST', '/api/auth/claim-token', { task_id: task, session_id: session })
} catch (failure) {
  console.log(String(failure))
  process.exitCode = 1
}
