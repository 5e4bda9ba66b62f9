import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { loadEnv, type Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

import { firstParts } from './src/app/addresses'

/** Under the dev server no Django fills index.html: what names the project is filled in here. */
function nameProject(): Plugin {
  return {
    name: 'name-project',
    apply: 'serve',
    transformIndexHtml(html) {
      const toml = readFileSync(new URL('../project.toml', import.meta.url), 'utf8')
      return html.replaceAll(/VITE_APP_(NAME|DESCRIPTION)_PLACEHOLDER/g, (_, key: string) => {
        const line = new RegExp(`^${key.toLowerCase()} = (".*")$`, 'm').exec(toml)
        return line ? JSON.parse(line[1]!) : ''
      })
    },
  }
}

/** Tells the server which addresses have a page. */
function nameAddresses(): Plugin {
  const source = (path: string) => new URL(`src/${path}`, import.meta.url)
  return {
    name: 'name-addresses',
    apply: 'build',
    transformIndexHtml() {
      const files = readdirSync(source('features')).flatMap((folder) =>
        ['index.ts', 'account.ts'].map((name) => source(`features/${folder}/${name}`)),
      )
      const texts = [source('app/router.ts'), ...files]
        .filter((file) => existsSync(file))
        .map((file) => readFileSync(file, 'utf8'))
      const attrs = { name: 'addresses', content: firstParts(texts).join(' ') }
      return [{ tag: 'meta', attrs, injectTo: 'head' }]
    },
  }
}

export default defineConfig(({ mode }) => {
  const env = loadEnv(mode, process.cwd(), ['VITE_', 'DJANGO_DEV_URL', 'DEV_PROXY'])
  // The object form keeps the Host header. The string form of Vite's proxy changes it, and Django
  // then refuses every unsafe request of a signed-in user: "Origin checking failed".
  const django = { target: env.DJANGO_DEV_URL ?? 'http://127.0.0.1:8000' }
  // One more server that is reached under the page's address: "/path/ http://host:port".
  const [prefix, target] = env.DEV_PROXY?.split(' ') ?? []

  return {
    plugins: [vue(), tailwindcss(), nameProject(), nameAddresses()],
    resolve: { alias: { '@': fileURLToPath(new URL('src', import.meta.url)) } },
    define: { __VUE_OPTIONS_API__: false },

    // Where the page is served from is known when it is served, not when it is built. So built files
    // name each other relatively, and index.html is the only file with a placeholder to fill.
    base: './',
    experimental: {
      renderBuiltUrl: (filename, { hostType }) =>
        hostType === 'html'
          ? `VITE_APP_STATIC_ROOT_PLACEHOLDER${filename}`
          : { relative: true as const },
    },
    build: {
      manifest: true, // read by scripts/budget.mjs
      // An inlined asset is a data: URL; these would need an exception in the page's security policy.
      assetsInlineLimit: 0,
      // What every page needs is one file: split by who else uses which part of it, it is larger.
      rolldownOptions: {
        output: {
          codeSplitting: {
            groups: [{ name: 'vue', test: /node_modules\/(@vue|vue|vue-router|@tanstack)\// }],
          },
        },
      },
    },

    server: {
      host: env.VITE_HOST ?? '127.0.0.1',
      port: Number(env.VITE_PORT ?? 5173),
      strictPort: true,
      proxy: {
        ...Object.fromEntries(
          ['/api', '/admin', '/accounts', '^/static/(?!vue/)', '/media', '/health'].map((path) => [
            path,
            django,
          ]),
        ),
        ...(prefix && { [prefix]: { target } }),
      },
    },

    test: {
      environment: 'happy-dom',
      include: ['src/**/*.test.ts'],
      isolate: false,
      setupFiles: ['src/testing.ts'],
      maxWorkers: '100%', // by default one fewer than there are processors
      restoreMocks: true,
      unstubGlobals: true,
    },
  }
})
