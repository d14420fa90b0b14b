/** ONNX's own backend tests, as the zoo has them: a model, what it is fed and what ONNX expects of it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeModel, decodeTensorProto } from '../src/model/formats/onnx/index.ts';
import type { DType } from '../src/model/ir/dtype.ts';
import type { Model } from '../src/model/ir/model.ts';
import type { Tensor } from '../src/model/ir/tensor.ts';

export interface NodeTest {
  readonly name: string;
  readonly model: Model;
  readonly feeds: Record<string, Tensor>;
  readonly wanted: Record<string, Tensor>;
}

/** Unpacks the archive, reads it and removes what it unpacked.
 *  @param kinds  folders of the archive: node, simple, pytorch-converted … */
export function unpackNodeTests(zoo: string, kinds: readonly string[]): NodeTest[] {
  const root = mkdtempSync(join(tmpdir(), 'edgepress-node-tests-'));
  try {
    execFileSync('tar', ['-xJf', join(zoo, 'data/onnx-node-tests.tar.xz'), '-C', root]);
    const data = join(root, 'onnx-backend-test-data');
    return kinds.flatMap((kind) =>
      readdirSync(join(data, kind)).flatMap((name) => readCase(join(data, kind, name), name) ?? []),
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Types that onnxruntime-node hands over; on some of the others it ends the process. */
const plain: ReadonlySet<DType> = new Set([
  'float32',
  'float64',
  'float16',
  'bool',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
]);

/** Null for tests with sequences, optionals or files that this decoder has no place for. */
function readCase(dir: string, name: string): NodeTest | null {
  const set = join(dir, 'test_data_set_0');
  if (!existsSync(join(dir, 'model.onnx'))) return null;
  const read = (path: string) => new Uint8Array(readFileSync(path));
  const model = decodeModel(read(join(dir, 'model.onnx')), { name });
  const inputs = model.graph.inputs.filter((v) => !v.constant);
  const ports = [...inputs, ...model.graph.outputs];
  if (ports.some((v) => v.type?.kind !== 'tensor' || !plain.has(v.type.dtype))) return null;
  const tensors = (values: typeof inputs, prefix: string) =>
    Object.fromEntries(
      values.map((v, i) => [v.name, decodeTensorProto(read(join(set, `${prefix}_${i}.pb`)), v.name)]),
    );
  return { name, model, feeds: tensors(inputs, 'input'), wanted: tensors(model.graph.outputs, 'output') };
}
