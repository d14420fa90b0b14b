/** What can be asked of `profile`. */
import { z } from 'zod';
import { inputFields } from '../../compress/request/output-fields.ts';
import { field, orText, positive } from '../../support/field.ts';

const target = field.bind(null, 'Target');
const data = field.bind(null, 'Data');
const dimensionError = 'A name and a size were expected, as height=224.';

export const profileRequest = z.strictObject({
  ...inputFields,
  device: z
    .array(z.string().min(1, 'An item is empty.'))
    .default(['node', 'wasm'])
    .meta(
      target('--device <names>', 'node, wasm, chromium, chrome, edge, firefox, webkit, chromium:phone …', {
        fallback: 'node,wasm',
        isList: true,
      }),
    ),
  provider: z
    .array(z.enum(['cpu', 'wasm', 'webgpu']))
    .optional()
    .meta(
      target('--provider <names>', 'cpu, wasm, webgpu', {
        fallback: 'what each variant is made for',
        isList: true,
      }),
    ),
  threads: z
    .array(positive)
    .default([1])
    .meta(target('--threads <list>', 'numbers of threads, as 1,4', { fallback: '1', isList: true })),
  throughput: z
    .array(positive)
    .optional()
    .meta(
      data('--throughput <list>', 'also samples a second at these batch sizes, as 1,4,16', { isList: true }),
    ),
  dim: z
    .array(orText(z.strictObject({ name: z.string(), size: positive }), dimension, dimensionError))
    .optional()
    .meta(data('--dim <name=n>', 'size of an open dimension; repeatable', { fallback: '1' })),
});
export type ProfileRequest = z.output<typeof profileRequest>;
export type ProfileRequestInit = z.input<typeof profileRequest>;

/** "height=224" */
function dimension(text: string): unknown {
  const [, name, size] = /^(.+)=(\d+)$/.exec(text) ?? [];
  return name === undefined ? undefined : { name, size: Number(size) };
}
