// Never run: the implementation has the declared types, and so has each way to import the package.
import { LocalServer, closeSharedServer, shareServer, type Fault, type Verdict } from 'nemolocal'
import vitestSetup from 'nemolocal/vitest'
import jestSetup = require('nemolocal/jest_setup')
import jestTeardown = require('nemolocal/jest_teardown')
import local = require('../lib/local_server.js')
import shared = require('../lib/shared_server.js')

type Public<T> = { [Name in keyof T]: T[Name] }
type Declared = Public<Omit<LocalServer, 'withFault' | 'environment'>>
declare const implemented: InstanceType<typeof local.LocalServer>
export const declared: Declared = implemented
export const share: (...options: Parameters<typeof shareServer>) => Promise<Declared> = shared.shareServer
export const hooks: Array<() => Promise<unknown>> = [closeSharedServer, shared.closeSharedServer, vitestSetup, jestSetup, jestTeardown]

export async function use (server: LocalServer): Promise<Verdict> {
  const cut: Fault = { name: 'cut-fin', endpoint: 'chat', after: 2 }
  const length: number = await server.withFault(cut, async ({ baseUrl }) => baseUrl.length)
  await server.advance(length)
  // @ts-expect-error: a fault has a name
  await server.arm({ endpoint: 'chat' })
  // @ts-expect-error: no reply is applied perhaps
  await server.reply({ applied: 'perhaps' })
  return server.verdict({ only: ['client.silent'] })
}
