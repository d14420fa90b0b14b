/** What runtimes other than onnxruntime share in the measuring page. */
import type { Engine, Session } from '../../../compute/engine/contract.ts';
import { type DType, isFloat } from '../../../model/ir/dtype.ts';
import { float32Values, tensorOf, typedArray } from '../../../model/ir/tensor.ts';
import type { TypedNumbers } from '../../../support/typed-numbers.ts';

export interface OtherEngine {
  readonly engine: Engine;
  readonly title: string;
  readonly compileMs: number;
}

/** Into the HTTP cache, so that starting takes no time on the network. */
export async function fetchAll(urls: readonly string[]): Promise<void> {
  await Promise.all(
    urls.map(async (url) => {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`${url} was answered with status ${response.status}.`);
      await response.arrayBuffer();
    }),
  );
}

/** The same for a file that is larger than what a cache keeps. @returns its address in the page's own memory */
export async function fetchIntoPage(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} was answered with status ${response.status}.`);
  return URL.createObjectURL(await response.blob());
}

type Feeds = Parameters<Session['run']>[0];

export const numbersOf = (feeds: Feeds): Record<string, TypedNumbers> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, t]) => [
      name,
      { type: t.dtype, dims: t.dims, data: isFloat(t.dtype) ? float32Values(t) : typedArray(t) },
    ]),
  );

export const tensorsFrom = (made: Readonly<Record<string, TypedNumbers>>) =>
  Object.fromEntries(
    Object.entries(made).map(([name, { type, dims, data }]) => [name, tensorOf(type as DType, dims, data)]),
  );
