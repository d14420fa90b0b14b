/** A page's surroundings in Node: a network that serves a bundle, a Cache API, and an onnxruntime that doubles. */
import { vi } from 'vitest';
import type { OrtModule } from '../../src/runtime/ort.ts';

export const base = 'https://app.example/model/';

export interface FakeNetwork {
  readonly requests: { readonly path: string; readonly cache: string }[];
  /** Answers instead of the bundle. */
  answer: (path: string, init: RequestInit) => Response | Promise<Response> | null;
}

/** Replaces fetch: `files` by path, cut into chunks of 1000 bytes. */
export function fakeNetwork(files: ReadonlyMap<string, Uint8Array>): FakeNetwork {
  const network: FakeNetwork = { requests: [], answer: () => null };
  vi.stubGlobal('fetch', async (url: URL, init: RequestInit) => {
    init.signal?.throwIfAborted();
    const path = decodeURIComponent(url.href.slice(base.length));
    network.requests.push({ path, cache: init.cache ?? '' });
    const special = await network.answer(path, init);
    if (special) return special;
    const bytes = files.get(path);
    if (!bytes) return new Response('', { status: 404 });
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, at + 1000));
        at += 1000;
      },
    });
    return new Response(body);
  });
  return network;
}

/** Replaces caches. */
export function fakeCaches(): Map<string, Map<string, Response>> {
  const all = new Map<string, Map<string, Response>>();
  vi.stubGlobal('caches', {
    async open(name: string) {
      const entries = all.get(name) ?? new Map<string, Response>();
      all.set(name, entries);
      return {
        match: async (key: string) => entries.get(key)?.clone(),
        put: async (key: string, response: Response) => void entries.set(key, response),
        delete: async (key: string) => entries.delete(key),
        keys: async () => [...entries.keys()].map((url) => ({ url })),
      };
    },
    keys: async () => [...all.keys()],
    delete: async (name: string) => all.delete(name),
  });
  return all;
}

export interface FakeOrt {
  readonly ort: OrtModule;
  /** Providers of the sessions created, the warm-up's left out. */
  readonly created: string[];
  readonly options: Record<string, unknown>[];
  released: number;
  create: (provider: string) => void;
  run: (provider: string) => void | Promise<void>;
}

/** Sessions whose output is twice their input; `create` and `run` may throw. */
export function fakeOrt(): FakeOrt {
  class Tensor {
    readonly type: string;
    readonly data: Float32Array;
    readonly dims: readonly number[];
    constructor(type: string, data: Float32Array, dims: readonly number[]) {
      this.type = type;
      this.data = data;
      this.dims = dims;
    }
  }
  const fake: FakeOrt = {
    created: [],
    options: [],
    released: 0,
    create: () => {},
    run: () => {},
    ort: {
      Tensor,
      env: { wasm: {}, webgpu: {}, versions: { web: '1.30.0' } },
      InferenceSession: {
        async create(bytes: Uint8Array, options: { executionProviders: string[] }) {
          const provider = options.executionProviders[0]!;
          // The runtime's warm-up model is smaller than any other here.
          if (bytes.length > 100) {
            fake.created.push(provider);
            fake.options.push(options);
            fake.create(provider);
          }
          return {
            async run({ input }: { input: Tensor }) {
              await fake.run(provider);
              return {
                output: new Tensor(
                  'float32',
                  input.data.map((v) => v * 2),
                  input.dims,
                ),
              };
            },
            async release() {
              if (bytes.length > 100) fake.released++;
            },
          };
        },
      },
    } as unknown as OrtModule,
  };
  return fake;
}
