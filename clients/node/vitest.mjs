import { closeSharedServer, shareServer } from './index.js'

export default async function setup () {
  await shareServer()
  return closeSharedServer
}
