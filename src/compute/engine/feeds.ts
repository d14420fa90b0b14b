/** Checks what a caller feeds before the runtime sees it, so that messages name the model's own inputs. */

import type { Port } from '../../model/ir/port.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { formatShape, type Shape } from '../../model/ir/type.ts';
import { feedMismatch, missingInput, unknownOutput } from '../../support/diagnostics/engines.ts';
import { own } from '../../support/own.ts';

const describe = (port: Port) => `${port.dtype} ${formatShape(port.shape)}`;

/** @throws MISSING_INPUT, FEED_MISMATCH (wrong type, rank or fixed dimension; a name the model lacks) */
export function checkFeeds(inputs: readonly Port[], feeds: Readonly<Record<string, Tensor>>): void {
  for (const port of inputs) {
    const tensor = own(feeds, port.name);
    if (!tensor) throw missingInput(port.name, describe(port), Object.keys(feeds));
    if (tensor.dtype !== port.dtype || !fits(port.shape, tensor.dims))
      throw feedMismatch(port.name, describe(port), `${tensor.dtype} ${formatShape(tensor.dims)}`);
  }
  for (const name of Object.keys(feeds))
    if (!inputs.some((p) => p.name === name))
      throw feedMismatch(
        name,
        `to exist (inputs: ${inputs.map((p) => p.name).join(', ')})`,
        'a tensor for it',
      );
}

/** @throws UNKNOWN_OUTPUT */
export function checkFetches(outputs: readonly Port[], wanted: readonly string[]): void {
  for (const name of wanted)
    if (!outputs.some((p) => p.name === name))
      throw unknownOutput(
        name,
        outputs.map((p) => p.name),
      );
}

const fits = (shape: Shape | null, dims: readonly number[]) =>
  !shape || (shape.length === dims.length && shape.every((d, i) => typeof d !== 'number' || d === dims[i]));
