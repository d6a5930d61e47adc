import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// The bundle is package data: the same sources give the same bytes, and nothing is inlined,
// so that a content security policy of 'self' is enough.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../trading_assets/interfaces/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    chunkSizeWarningLimit: 1000, // read from this machine: one file is simpler than many
  },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(
      ['/api', '/health', '/ready', '/status', '/strategy', '/risk', '/alloc', '/panic', '/go', '/docs'].map((path) => [
        path,
        { target: 'http://127.0.0.1:8790', ws: path === '/api' },
      ]),
    ),
  },
})
