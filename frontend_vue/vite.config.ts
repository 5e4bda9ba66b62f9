/// <reference types="vitest/config" />
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { baseCompile } from '@intlify/message-compiler'
import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig, loadEnv, type Plugin } from 'vite'

import { firstParts } from './src/app/addresses.ts'

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

/**
 * What a feature has in its start.ts runs before the page, where the server has something to tell it
 * (`PAGE_VALUES`); elsewhere the server leaves the script out, and the page has nothing of it.
 */
function startFeatures(): Plugin {
  const folder = new URL('src/features/', import.meta.url)
  const starts = new Set<string>()
  return {
    name: 'start-features',
    apply: 'build',
    buildStart() {
      for (const name of existsSync(folder) ? readdirSync(folder) : []) {
        const id = fileURLToPath(new URL(`${name}/start.ts`, folder))
        if (!existsSync(id)) continue
        this.emitFile({ type: 'chunk', id, name })
        starts.add(id)
      }
    },
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
        const found = chunks.filter(({ facadeModuleId }) => starts.has(facadeModuleId ?? ''))
        return found.map(({ name, fileName }) => ({
          tag: 'script',
          attrs: {
            type: 'module',
            crossorigin: true,
            src: `VITE_APP_STATIC_ROOT_PLACEHOLDER${fileName}`,
            'data-module': name,
          },
          injectTo: 'head-prepend',
        }))
      },
    },
  }
}

const MESSAGES = /\/locales\/(?:first\/)?(\w+)\.json$/

/**
 * Compiles the messages of the languages to trees, which the page reads without a compiler and
 * without `eval`. A message without parameters stays a text.
 */
function compileMessages(): Plugin {
  const place = new Set(['start', 'end', 'loc'])
  function compile(message: string) {
    const { ast } = baseCompile(message, { jit: true, optimize: true, minify: true, onError })
    const text = (ast as { b?: { s?: string } }).b?.s
    return (
      text ?? JSON.parse(JSON.stringify(ast, (key, value) => (place.has(key) ? undefined : value)))
    )
  }
  function onError(error: Error) {
    throw error
  }
  return {
    name: 'compile-messages',
    enforce: 'pre',
    transform(text, id) {
      if (!MESSAGES.test(id)) return
      const messages = Object.entries<string>(JSON.parse(text))
      return {
        code: JSON.stringify(
          Object.fromEntries(messages.map(([key, message]) => [key, compile(message)])),
        ),
        map: null,
      }
    },
  }
}

/** What the first page says is one file for each language. */
function firstMessages(id: string): string | null {
  const name = /\/locales\/first\/(\w+)\.json$/.exec(id)?.[1]
  return name ? `messages-${name}` : null
}

export default defineConfig(({ mode }) => {
  const env = loadEnv(mode, process.cwd(), ['VITE_', 'DJANGO_DEV_URL', 'DEV_PROXY', 'SOURCE_MAPS'])
  // The object form keeps the Host header. The string form of Vite's proxy changes it, and Django
  // then refuses every unsafe request of a signed-in user: "Origin checking failed".
  const django = { target: env.DJANGO_DEV_URL ?? 'http://127.0.0.1:8000' }
  // Further servers that are reached under the page's address: "/path/ http://host:port" each.
  const others = Object.entries(env)
    .filter(([name, value]) => name.startsWith('DEV_PROXY') && value)
    .map(([, value]) => value.split(' '))
    .map(([prefix, target]) => [prefix, { target }])

  return {
    plugins: [
      compileMessages(),
      vue(),
      tailwindcss(),
      nameProject(),
      nameAddresses(),
      startFeatures(),
    ],
    resolve: { alias: { '@': fileURLToPath(new URL('src', import.meta.url)) } },
    define: {
      __VUE_OPTIONS_API__: false,
      __INTLIFY_DROP_MESSAGE_COMPILER__: true,
      __INTLIFY_PROD_DEVTOOLS__: false,
    },

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
      // Beside the files, which do not name them; a build for an image never has them.
      sourcemap: env.SOURCE_MAPS ? 'hidden' : false,
      // An inlined asset is a data: URL; these would need an exception in the page's security policy.
      assetsInlineLimit: 0,
      // What every page needs is one file: split by who else uses which part of it, it is larger.
      rolldownOptions: {
        output: {
          codeSplitting: {
            groups: [
              {
                name: 'vue',
                test: /node_modules\/(@vue|vue|vue-router|@tanstack)\/|vite\/preload-helper/,
              },
              { name: firstMessages },
            ],
          },
        },
      },
    },

    server: {
      host: env.VITE_HOST ?? '127.0.0.1',
      port: Number(env.VITE_PORT ?? 5173),
      strictPort: true,
      proxy: {
        ...Object.fromEntries(others), // first: one may be below /api
        ...Object.fromEntries(
          ['/api', '/admin', '/accounts', '^/static/(?!vue/)', '/media', '/health'].map((path) => [
            path,
            django,
          ]),
        ),
      },
    },

    test: {
      environment: 'happy-dom',
      include: ['src/**/*.test.ts'],
      // Those of the tool, 5 s and 10 s, end what a busy machine has not begun yet.
      testTimeout: 60_000,
      hookTimeout: 60_000,
      css: { include: /\.css\?raw/ }, // read as text; others are left out, which is faster
      isolate: false,
      setupFiles: ['src/testing.ts', 'src/i18n/testing.ts'],
      maxWorkers: '100%', // by default one fewer than there are processors
      restoreMocks: true,
      unstubGlobals: true,
    },
  }
})
