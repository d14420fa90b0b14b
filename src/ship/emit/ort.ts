/** Converts ONNX to onnxruntime's own format (.ort), which mobile and minimal builds of the runtime load: the graph is
 *  optimised once, here, and a runtime that reads the file changes it no further. Node only: the native runtime does it.
 *  Source: onnxruntime docs, "ORT model format". */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { nest } from '../../compute/engine/adapter.ts';
import { crashingFusion, holdsHalf, loadNativeRuntime } from '../../compute/engine/onnxruntime-node.ts';
import { explain } from '../../compute/engine/reasons.ts';
import { readOrt } from '../../model/formats/ort/read.ts';
import { writeOrt } from '../../model/formats/ort/write.ts';
import { ortConversionFailed } from '../../support/diagnostics/model-files.ts';
import { Diagnostic } from '../../support/diagnostics.ts';

interface OrtOptions {
  /** How far the graph is optimised before it is written. 'basic': constants folded, dead nodes gone, all operators
   *  still plain ONNX. 'extended' (default): fused operators that every CPU build has. 'all': layouts of this machine's
   *  processor too (NCHWc); such a file runs on machines of this kind only, so it is not for a bundle. */
  readonly level?: 'basic' | 'extended' | 'all';
  /** Processor that the file is mainly for. 'arm' keeps signed 8-bit activations as they are; 'any' (default) has them
   *  shifted to unsigned, as x86 and WebAssembly kernels like them. Either file runs on both. */
  readonly target?: 'any' | 'arm';
  /** onnxruntime session configuration entries that the model needs, such as { 'session.disable_quant_qdq': '1' }:
   *  the optimiser reads them now, not when the file is loaded. */
  readonly sessionConfig?: Readonly<Record<string, string>>;
  /** Whether nodes that read only constants are computed now. By default unless that unpacks weights: a file over a
   *  fifth larger than the model is converted again without, since size is what small weights are for. Such a file
   *  unpacks them in every run (.ort files are not optimised when they are loaded). */
  readonly foldConstants?: boolean;
  /** Tensors kept beside the model, by their location string. */
  readonly externalData?: ReadonlyMap<string, Uint8Array> | undefined;
  /** Whether a weight is in float16, where that is known. */
  readonly halfWeights?: boolean;
}

/** The model in ORT format; weights are inside, so it must stay under 2 GB. Equal bytes for equal input and runtime.
 *  @param model  bytes of an ONNX model
 *  @throws ORT_CONVERSION with the runtime's reason when it refuses the model; ENGINE_MISSING without onnxruntime-node */
export async function convertToOrt(model: Uint8Array, options: OrtOptions = {}): Promise<Uint8Array> {
  const { foldConstants } = options;
  const folded = await convert(model, options, foldConstants ?? true);
  if (foldConstants !== undefined) return folded;
  const source = [...(options.externalData?.values() ?? [])].reduce((sum, d) => sum + d.length, model.length);
  if (folded.length <= 1.2 * source) return folded;
  const packed = await convert(model, options, false);
  return packed.length < folded.length / 1.2 ? packed : folded;
}

async function convert(model: Uint8Array, options: OrtOptions, foldConstants: boolean): Promise<Uint8Array> {
  const { level = 'extended', target = 'any', sessionConfig = {}, externalData = [] } = options;
  const runtime = await loadNativeRuntime();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'edgepress-ort-'));
  try {
    const source = path.join(folder, 'model.onnx');
    const result = path.join(folder, 'model.ort');
    fs.writeFileSync(source, model);
    for (const [name, data] of externalData) writeInside(folder, name, data);
    const leftOutKey = 'optimization.disable_specified_optimizers';
    const leftOut = [
      ...(sessionConfig[leftOutKey] ? [sessionConfig[leftOutKey]] : []),
      ...(foldConstants ? [] : ['ConstantFolding']),
      ...((options.halfWeights ?? (await holdsHalf({ path: source }))) ? [crashingFusion] : []),
    ];
    const config = {
      ...sessionConfig,
      'session.save_model_format': 'ORT',
      'session.qdqisint8allowed': target === 'arm' ? '1' : '0',
      ...(leftOut.length > 0 ? { [leftOutKey]: leftOut.join(';') } : {}),
    };
    const session = await runtime.InferenceSession.create(source, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: level,
      optimizedModelFilePath: result,
      logSeverityLevel: 4,
      extra: nest(config),
    });
    await session.release();
    const written = fs.readFileSync(result);
    return writeOrt(readOrt(written), written.length + 4096);
  } catch (cause) {
    if (cause instanceof Diagnostic) throw cause;
    const { text, kind, hint } = explain(cause, 'node');
    throw ortConversionFailed(text.replaceAll(`${folder}${path.sep}`, ''), kind, hint, cause);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** A location is relative and stays in the model's folder; anything else is not onnxruntime's to read either. */
function writeInside(folder: string, location: string, data: Uint8Array): void {
  const file = path.resolve(folder, location);
  if (!file.startsWith(`${folder}${path.sep}`)) throw new Error(`external data at "${location}" is outside.`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, data);
}
