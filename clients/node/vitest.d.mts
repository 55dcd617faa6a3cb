/**
 * A global setup of Vitest, `globalSetup: ['nemolocal/vitest']`: starts a server for all tests of
 * the run and stops it afterwards. In a test: `await LocalServer.connect()`.
 */
export default function setup (): Promise<() => Promise<void>>
