// The one implementation is CommonJS, since Jest loads the packages of its tests with `require`.
export { LocalServer, NemoLocalError, closeSharedServer, shareServer } from './index.js'
