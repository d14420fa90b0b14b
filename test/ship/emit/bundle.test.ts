import { createHash } from 'node:crypto';
import { brotliDecompressSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { buildBundle, manifestName } from '../../../src/ship/emit/bundle.ts';
import { manifestSchema } from '../../../src/ship/emit/manifest.ts';
import { manifestJsonSchema } from '../../../src/ship/emit/manifest-schema.ts';
import { cutIntoShards } from '../../../src/ship/emit/shards.ts';
import { compress, randomBytes, sampleInfo, sampleVariant } from './sample-bundle.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const joined = (list: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(list));

describe('cutting into shards', () => {
  it('keeps a file that fits under its own name, without a copy', () => {
    const bytes = randomBytes(100);
    const [only, ...rest] = cutIntoShards('onnx/model.onnx', bytes, 100);
    expect(rest).toEqual([]);
    expect(only?.path).toBe('onnx/model.onnx');
    expect(only?.bytes).toBe(bytes);
  });

  it.each([
    [101, 100, 2],
    [1000, 99, 11],
    [5, 1, 5],
  ])(
    'cuts %i bytes at %i into %i pieces that join to the file and never exceed the limit',
    (n, limit, count) => {
      const bytes = randomBytes(n);
      const shards = cutIntoShards('m.onnx', bytes, limit);
      expect(shards).toHaveLength(count);
      expect(joined(shards.map((s) => s.bytes))).toEqual(bytes);
      expect(Math.max(...shards.map((s) => s.bytes.length))).toBeLessThanOrEqual(limit);
      // Sorted by name they are in order, which people rely on who join them by hand.
      const names = shards.map((s) => s.path);
      expect([...names].sort()).toEqual(names);
    },
  );

  it('gives an empty file one empty piece', () => {
    expect(cutIntoShards('m.onnx', new Uint8Array(0), 10).map((s) => s.bytes.length)).toEqual([0]);
  });
});

describe('building a bundle', () => {
  const sharded = () =>
    buildBundle(
      sampleInfo(),
      [
        sampleVariant({
          content: {
            model: randomBytes(250),
            data: [{ location: 'model.onnx_data', bytes: randomBytes(420, 2) }],
          },
        }),
      ],
      { compress, shardBytes: 100 },
    );

  it('states bytes and sha256 of every file and every whole part, and they are right', async () => {
    const { manifest, files } = await sharded();
    const byPath = new Map(files.map((f) => [f.path, f.bytes]));
    for (const part of manifest.variants[0]!.parts) {
      for (const file of part.files) {
        expect(sha256(byPath.get(file.path)!)).toBe(file.sha256);
        expect(byPath.get(file.path)).toHaveLength(file.bytes);
      }
      const whole = joined(part.files.map((f) => byPath.get(f.path)!));
      expect(sha256(whole)).toBe(part.sha256);
      expect(whole).toHaveLength(part.bytes);
    }
  });

  it('names data as the model asks for it, beside the model', async () => {
    const { manifest } = await sharded();
    const [model, data] = manifest.variants[0]!.parts;
    expect([model?.name, model?.role]).toEqual(['model.onnx', 'model']);
    expect([data?.name, data?.role]).toEqual(['model.onnx_data', 'data']);
    expect(data?.files[0]?.path).toBe('onnx/model.onnx_data.part1of5');
    expect(manifest.variants[0]!.bytes).toBe(670);
  });

  it('writes a manifest that its zod schema and the published JSON Schema accept', async () => {
    const { manifest, files } = await sharded();
    const json: unknown = JSON.parse(new TextDecoder().decode(files.at(-1)!.bytes));
    expect(files.at(-1)!.path).toBe(manifestName);
    expect(manifestSchema.parse(json)).toEqual(manifest);
    const validate = new Ajv2020({ strict: false }).compile(manifestJsonSchema());
    expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
  });

  it('makes the same bytes of the same input', async () => {
    expect(await sharded()).toEqual(await sharded());
  });

  it('adds up what crosses the network, and says nothing where a file was too large to tell', async () => {
    const { manifest } = await sharded();
    const files = manifest.variants[0]!.parts.flatMap((p) => p.files);
    expect(manifest.variants[0]!.brotliBytes).toBe(files.reduce((n, f) => n + f.brotliBytes!, 0));
    const silent = await buildBundle(sampleInfo(), [sampleVariant()], { compress: async () => null });
    expect(silent.manifest.variants[0]!.brotliBytes).toBeNull();
  });

  it('puts .br beside files that get smaller by it, and only there', async () => {
    const zeros = sampleVariant({ content: { model: new Uint8Array(5000), data: [] } });
    const noise = sampleVariant({ name: 'noise', file: 'onnx/noise.onnx' });
    const { files } = await buildBundle(sampleInfo(), [zeros, noise], { compress, precompress: true });
    const packed = files.filter((f) => f.path.endsWith('.br'));
    expect(packed.map((f) => f.path)).toEqual(['onnx/model.onnx.br']);
    expect(brotliDecompressSync(packed[0]!.bytes)).toEqual(Buffer.alloc(5000));
  });

  it.each(['../model.onnx', '/etc/model.onnx', 'onnx/../../x.onnx', 'https://host/m.onnx', 'a\\..\\m.onnx'])(
    'refuses to put a model at %s',
    async (file) => {
      await expect(buildBundle(sampleInfo(), [sampleVariant({ file })], { compress })).rejects.toMatchObject({
        code: 'BUNDLE_INVALID',
      });
    },
  );

  it('refuses extras that lead out of the bundle, and two files of one name where case does not count', async () => {
    const extra = (path: string) =>
      buildBundle(sampleInfo(), [sampleVariant()], {
        compress,
        extras: () => [{ path, bytes: new Uint8Array(1) }],
      });
    await expect(extra('demo/../../x')).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
    await expect(extra('ONNX/model.onnx')).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });
});
