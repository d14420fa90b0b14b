/** What a web server has to be told so that threads work, wasm streams and models stay fresh, for three kinds of
 *  hosting. They are examples to merge: servers read them at the root of a site, not in a folder of it. */
import type { BundleEntry } from './bundle.ts';

/** Threads of WebAssembly need shared memory, which browsers give to isolated pages only. Of the page, not the model. */
const isolation = [
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Embedder-Policy', 'require-corp'],
] as const;

/** Lets isolated pages of the same site embed the file. */
const embeddable = ['Cross-Origin-Resource-Policy', 'same-origin'] as const;

/** File names stay the same between releases, so browsers ask before they use a copy: the answer is a 304 without
 *  content. What is loaded once is kept by the runtime, under its hash. */
const revalidate = ['Cache-Control', 'no-cache'] as const;

const wasmType = ['Content-Type', 'application/wasm'] as const;

type Header = readonly [name: string, value: string];

interface Rule {
  /** Everything below this prefix, or with this ending. */
  readonly below?: string;
  readonly ending?: string;
  readonly headers: readonly Header[];
}

const rules = (url: string): Rule[] => [
  { below: '/', headers: isolation },
  { below: url, headers: [revalidate, embeddable] },
  { ending: '.wasm', headers: [wasmType, embeddable] },
];

/** A path below the site's root, with a slash at both ends. */
const absolute = (url: string) => `/${url.replace(/^\/+|\/+$/g, '')}/`.replace('//', '/');

/** @param url  where the site serves the bundle: "/model/"
 *  @param precompressed  whether .br files lie beside the others */
export function headerFiles(url: string, precompressed: boolean): BundleEntry[] {
  const all = rules(absolute(url));
  return Object.entries({
    'headers/_headers': netlify(all),
    'headers/nginx.conf': nginx(all, precompressed),
    'headers/vercel.json': vercel(all),
  }).map(([path, text]) => ({ path, bytes: new TextEncoder().encode(text) }));
}

function netlify(all: readonly Rule[]): string {
  const block = ({ below, ending, headers }: Rule) =>
    [below === undefined ? `/*${ending}` : `${below}*`, ...headers.map(([k, v]) => `  ${k}: ${v}`)].join(
      '\n',
    );
  return `# Netlify and Cloudflare Pages: merge into _headers in the folder that is published.\n${all.map(block).join('\n')}\n`;
}

function nginx(all: readonly Rule[], precompressed: boolean): string {
  const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  // Headers of a server block are dropped in a location that adds its own, so each location repeats them.
  const site = all.find((r) => r.below === '/')!.headers;
  const add = ([name, value]: Header) => `  add_header ${name} "${value}" always;`;
  const location = ({ below, ending, headers }: Rule) => {
    const where = ending === undefined ? below : `~ ${escaped(ending)}$`;
    const own = below === '/' ? [] : headers;
    const type = own.find(([name]) => name === 'Content-Type');
    return [
      `location ${where} {`,
      ...(type ? ['  types { }', `  default_type ${type[1]};`] : []),
      ...[...site, ...own.filter((h) => h !== type)].map(add),
      ...(precompressed && below !== '/' && ending === undefined ? ['  brotli_static on;'] : []),
      '}',
    ].join('\n');
  };
  const note = precompressed ? '# brotli_static needs the module ngx_brotli.\n' : '';
  return `# nginx: include inside the server block.\n${note}${all.map(location).join('\n')}\n`;
}

function vercel(all: readonly Rule[]): string {
  const rows = all.map(({ below, ending, headers }) => ({
    source: below === undefined ? `/(.*)\\${ending}` : `${below}(.*)`,
    headers: headers.map(([key, value]) => ({ key, value })),
  }));
  return `${JSON.stringify({ headers: rows }, null, 2)}\n`;
}
