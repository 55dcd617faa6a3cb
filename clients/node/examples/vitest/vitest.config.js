import { defineConfig } from 'vitest/config'

export default defineConfig({ test: { globalSetup: ['nemolocal/vitest'], testTimeout: 60_000, hookTimeout: 120_000 } })
