/**
 * A global setup of Jest, `globalSetup: 'nemolocal/jest_setup'`: starts a server for all tests of
 * the run; `nemolocal/jest_teardown` stops it. In a test: `await LocalServer.connect()`.
 */
declare function setup (): Promise<void>
export = setup
