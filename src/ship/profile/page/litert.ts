/** LiteRT.js in the measuring page, as an engine: its start taken apart as that of onnxruntime-web is. */
import type { ModelSource, Session } from '../../../compute/engine/contract.ts';
import type { DType } from '../../../model/ir/dtype.ts';
import { engineOpen, engineRun } from '../../../support/diagnostics/engines.ts';
import { messageOf } from '../../../support/diagnostics.ts';
import { openLiteRt } from '../../../support/litert.ts';
import {
  buildFor,
  buildTitles,
  type LiteRt,
  type StartedLiteRt,
  startLiteRt,
} from '../../../support/litert-start.ts';
import type { Output, PageModel, PageTask } from './messages.ts';
import { fetchAll, fetchIntoPage, numbersOf, type OtherEngine, tensorsFrom } from './other-engine.ts';

/** Its module and the build that this browser takes are in the page.
 *  @returns what starts it @throws Error when it does not start */
export async function fetchLiteRt(
  { url, outputs }: NonNullable<PageModel['other']>,
  { threads, provider }: Pick<PageTask, 'threads' | 'provider'>,
): Promise<() => Promise<OtherEngine>> {
  const base = new URL(url, location.href).href;
  const address = `${base}litert.js`;
  // Nothing is started by importing it; which build to fetch is its own question.
  const litert = (await import(address)) as LiteRt;
  const { script, wasm } = await buildFor(litert, { threads, wasmPaths: base });
  await fetchAll([script]);
  const wasmPaths = { [nameOf(script)]: script, [nameOf(wasm)]: await fetchIntoPage(wasm) };
  return async () => {
    const begin = performance.now();
    const started = await startLiteRt(litert, { threads, wasmPaths });
    const compileMs = performance.now() - begin;
    const version = litert.version ?? '';
    const title = `litertjs-core ${version} (${buildTitles[started.build]})`;
    const open = (model: ModelSource) => openSession(litert, started, { title, provider, model, outputs });
    return { engine: { name: 'wasm', version, open }, title, compileMs };
  };
}

const nameOf = (url: string) => url.slice(url.lastIndexOf('/') + 1);

interface Opening extends Pick<PageTask, 'provider'> {
  readonly title: string;
  readonly model: ModelSource;
  readonly outputs: readonly Output[];
}

/** @throws ENGINE_OPEN */
async function openSession(
  litert: LiteRt,
  started: StartedLiteRt,
  { title, provider, model, outputs }: Opening,
): Promise<Session> {
  if (!('bytes' in model)) throw engineOpen(title, 'it takes the bytes of a model, not a path.');
  const session = await openLiteRt(litert, started, model.bytes, provider, outputs).catch(
    (error: unknown) => {
      throw engineOpen(title, messageOf(error), 'unsupported', undefined, error);
    },
  );
  return {
    inputs: [],
    outputs: outputs.map(({ name, dtype }) => ({ name, dtype: dtype as DType, shape: null })),
    async run(feeds) {
      const made = await session.run(numbersOf(feeds)).catch((error: unknown) => {
        throw engineRun(title, messageOf(error), 'unsupported', undefined, error);
      });
      return tensorsFrom(made);
    },
    close: async () => session.release(),
  };
}
