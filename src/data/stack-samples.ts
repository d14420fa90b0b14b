/** Samples as arrays, one for each input, as array files hold them and are read again. */
import { denseTensor, type Tensor, tensorOf } from '../model/ir/tensor.ts';
import { arraysTooLarge, samplesUnequal } from '../support/diagnostics/data.ts';
import type { Sample } from './source.ts';

/** Bytes of one archive, at most: it is made, and read again, in memory. */
const mostBytes = 2 ** 31;

/** @returns an array for each input, samples along its first axis where that is the batch, else along one in front; "labels" where all
 *  have one; scalars once where they are always the same
 *  @throws SAMPLES_UNEQUAL, ARRAYS_TOO_LARGE */
export function stackSamples(samples: readonly Sample[]): Map<string, Tensor> {
  const arrays = new Map<string, Tensor>();
  const [first] = samples;
  if (!first) return arrays;
  const total = Object.values(first.inputs).reduce((sum, t) => sum + t.bytes().length, 0) * samples.length;
  if (total > mostBytes) throw arraysTooLarge(total, mostBytes);
  for (const name of Object.keys(first.inputs)) arrays.set(name, stacked(name, samples));
  if (samples.every(({ label }) => label !== undefined))
    arrays.set(
      'labels',
      tensorOf(
        'int64',
        [samples.length],
        samples.map(({ label }) => label as number),
      ),
    );
  return arrays;
}

function stacked(name: string, samples: readonly Sample[]): Tensor {
  const tensors = samples.map(({ inputs }) => inputs[name]!);
  const [{ dims, dtype }] = tensors as [Tensor];
  const odd = tensors.findIndex((t) => t.dims.join() !== dims.join());
  if (odd >= 0) throw samplesUnequal(name, dims, tensors[odd]!.dims, samples[odd]!.id);
  const parts = tensors.map((t) => t.bytes());
  const isSame = parts.every((part) => part.every((byte, i) => byte === parts[0]![i]));
  if (dims.length === 0 && isSame) return tensors[0]!;
  const bytes = new Uint8Array(parts[0]!.length * parts.length);
  for (const [i, part] of parts.entries()) bytes.set(part, i * part.length);
  const isBatch = dims[0] === 1;
  return denseTensor(
    dtype,
    isBatch ? [parts.length, ...dims.slice(1)] : [parts.length, ...dims],
    bytes,
    name,
  );
}
