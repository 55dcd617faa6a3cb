// The client under test of both examples: it uploads a picture, chats, and knows its balance.
'use strict'

const SKILL = { 'X-Skill-Source': 'my-skill', 'X-Skill-Version': '1.0.0', 'X-Skill-Platform': 'unknown' }

// 16 by 16 pixels of blue.
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mOQm/CfJMQwqmFUw/DV' +
  'AAAwgK0QR5s3qQAAAABJRU5ErkJggg==', 'base64')

class CallFailed extends Error {
  constructor (code, message) {
    super(`${code}: ${message}`)
    this.code = code
  }
}

class MyClient {
  constructor (baseUrl, token) {
    this.baseUrl = baseUrl
    this.headers = { ...SKILL, Authorization: `Bearer ${token}` }
  }

  async balance () {
    return (await this.call('GET', '/api/credits/balance/simple')).available
  }

  async open () {
    const body = { task_name: 'project', language: 'en' }
    this.session = (await this.call('POST', '/api/tasks/me/with-session/nemo_agent', body)).session_id
  }

  async upload (name, bytes) {
    const form = new FormData()
    form.append('files', new Blob([bytes]), name)
    const path = `/api/upload-video/nemo_agent/me/${this.session}`
    const reply = await fetch(this.baseUrl + path, { method: 'POST', headers: this.headers, body: form })
    return resultOf(reply)
  }

  // The text of the turn. Of one without text, what has happened is in the state alone.
  async say (text) {
    const before = await this.draft()
    const body = { session_id: this.session, new_message: { parts: [{ text }] } }
    const reply = await this.send('POST', '/run_sse', body, { Accept: 'text/event-stream' })
    const said = eventsOf(await reply.text()).flatMap(({ content }) => content?.parts ?? []).map(part => part.text ?? '').join('')
    if (said.trim()) return said
    return JSON.stringify(await this.draft()) === JSON.stringify(before) ? 'Nothing has changed.' : 'The video has changed.'
  }

  async draft () {
    return (await this.call('GET', `/api/state/nemo_agent/me/${this.session}/latest`)).state.draft
  }

  async call (method, path, body) {
    return resultOf(await this.send(method, path, body))
  }

  send (method, path, body, more = {}) {
    const headers = { ...this.headers, ...more, ...(body && { 'Content-Type': 'application/json' }) }
    return fetch(this.baseUrl + path, { method, headers, body: body && JSON.stringify(body) })
  }
}

async function resultOf (reply) {
  if (!reply.headers.get('content-type')?.startsWith('application/json')) throw new CallFailed(reply.status, 'not JSON')
  const { code = 0, message, data, ...rest } = await reply.json()
  if (code !== 0) throw new CallFailed(code, message)
  return data ?? rest
}

function eventsOf (stream) {
  const data = stream.split('\n').filter(line => line.startsWith('data:')).map(line => line.slice(5).trim())
  return data.filter(Boolean).map(text => JSON.parse(text))
}

module.exports = { CallFailed, MyClient, PICTURE }
