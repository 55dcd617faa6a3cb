/** The global teardown of Jest, `globalTeardown: 'nemolocal/jest_teardown'`: stops the shared server. */
declare function teardown (): Promise<void>
export = teardown
