/** Builds the dashboard into a handful of files that the server reads at its start. */

import { preact } from '@preact/preset-vite'
import { defineConfig } from 'vite'

export default defineConfig({
  // Relative, so that the page also works below a path of a reverse proxy.
  base: './',
  plugins: [preact()],
  build: {
    // The page allows no inline styles or scripts, so nothing may be inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
