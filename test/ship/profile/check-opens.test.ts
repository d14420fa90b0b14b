/** What is written opens in a session that nobody sets options for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compress } from '../../../src/jobs/compress.ts';
import { encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { openModel } from '../../../src/model/formats/open-file.ts';
import { checkOpens } from '../../../src/ship/profile/check-opens.ts';
import { plainRefusal } from '../../../src/ship/profile/plain-session.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgepress-plain-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rotated = (type: 'float' | 'float16', perm: string) =>
  encodeModel(
    parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[4,4,4] x) => (float[4,4,4] y) <${type}[4,4] w = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}> {
  c = Cast <to = ${type === 'float' ? 1 : 10}> (x)
  t = Transpose <perm = [${perm}]> (c)
  m = MatMul (t, w)
  y = Cast <to = 1> (m)
}`),
  );
/** On disk: nothing is left in the temporary folder meanwhile, which other tests look into. */
function opened(name: string, bytes: Uint8Array) {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return openModel(path);
}

describe('a Transpose of leading axes before a float16 product', () => {
  it('ends a plain session of onnxruntime-node, and is not written for it', async () => {
    const before = opened('before.onnx', rotated('float', '1, 2, 0'));
    const after = opened('after.onnx', rotated('float16', '1, 2, 0'));
    expect(await plainRefusal(before)).toBeNull();
    expect(await plainRefusal(after)).toMatch(/ends with SIG/);
    await expect(checkOpens(before, after, 'node')).rejects.toMatchObject({ code: 'RESULT_REFUSED' });
    // An original that does the same can still be worked on.
    await checkOpens(after, after, 'node');
  });

  it.each(['1, 0, 2', '1, 2, 0'])('of order %s is written in another form by fp16', async (perm) => {
    const path = join(folder, 'm.onnx');
    writeFileSync(path, rotated('float', perm));
    const { files } = await compress(path, { fp16: true, target: 'node', measure: false });
    expect(await plainRefusal(opened('result.onnx', files[0]!.bytes))).toBeNull();
  });
});
