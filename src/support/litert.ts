/** A .tflite model on LiteRT.js: bytes to a model, one run. Used in pages by the loader and by whatever measures.
 *  Source: @litertjs/core 2.5.3 (litert/js/packages/core/src: litert_web.ts, compiled_model.ts, tensor.ts). */
import type { LiteRt, LiteRtTensor, Numbers, StartedLiteRt, TensorDetails } from './litert-start.ts';
import { emptyRecord } from './own.ts';
import { asFloats, asIntegers, type TypedNumbers, typed } from './typed-numbers.ts';

/** @throws Error with what LiteRT wrote meanwhile, whether the work itself failed or not */
async function heard<T>(errors: string[], work: () => Promise<T>, undo: (made: T) => void): Promise<T> {
  errors.length = 0;
  const said = () => new Error(errors.join(' '));
  const made = await work().catch((error: unknown) => {
    throw errors.length > 0 ? said() : error;
  });
  if (errors.length === 0) return made;
  undo(made);
  throw said();
}

export interface LiteRtSession {
  /** @throws Error: another shape than the file's, values that its types don't hold, what LiteRT throws */
  run(feeds: Readonly<Record<string, TypedNumbers>>): Promise<Record<string, TypedNumbers>>;
  release(): void;
}

/** @param outputs  what is fetched, in the types that ONNX has for them
 *  @throws Error when LiteRT does not take the model, or WebGPU not all of it */
export async function openLiteRt(
  litert: LiteRt,
  started: StartedLiteRt,
  model: Uint8Array,
  accelerator: 'wasm' | 'webgpu',
  outputs: readonly { readonly name: string; readonly dtype: string }[],
): Promise<LiteRtSession> {
  const { runtime, threads, errors } = started;
  const gpu = accelerator === 'webgpu' ? await openGpu(litert) : null;
  const options = { accelerator, cpuOptions: { numThreads: threads }, ...gpu?.options };
  const compiled = await heard(
    errors,
    () => runtime.loadAndCompile(model, options),
    (made) => made.delete(),
  );
  const release = () => {
    compiled.delete();
    gpu?.release();
  };
  if (gpu && !compiled.isFullyAccelerated) {
    release();
    throw new Error('LiteRT computes a part of the model on the CPU.');
  }
  const details = compiled.getInputDetails();

  async function run(feeds: Readonly<Record<string, TypedNumbers>>): Promise<Record<string, TypedNumbers>> {
    const inputs: Record<string, LiteRtTensor> = emptyRecord();
    let made: Readonly<Record<string, LiteRtTensor>> = {};
    try {
      for (const input of details) {
        const values = valuesFor(input, feeds[input.name]);
        inputs[input.name] = new litert.Tensor(values, Array.from(input.shape), gpu?.options.environment);
      }
      made = await heard(errors, () => compiled.run(inputs), remove);
      const results: Record<string, TypedNumbers> = emptyRecord();
      for (const { name, dtype } of outputs) {
        const tensor = made[name];
        if (!tensor) throw new Error(`The file has no output "${name}".`);
        results[name] = typed(await tensor.data(), dtype, tensor.type.layout.dimensions);
      }
      return results;
    } finally {
      remove(inputs);
      remove(made);
    }
  }

  // A run may never end once the device is gone.
  return { run: (feeds) => (gpu ? Promise.race([run(feeds), gpu.lost]) : run(feeds)), release };
}

/** A GPU of the model's own. @throws Error when there is none */
async function openGpu({ Environment }: LiteRt) {
  const environment = await Environment.create();
  const device = environment.webGpuDevice;
  if (!device) throw new Error('LiteRT.js finds no GPU.');
  const lost = device.lost.then(({ reason, message }): never => {
    throw new Error(`the GPU device was lost (${reason}${message ? `: ${message}` : ''})`);
  });
  lost.catch(() => {});
  const precision = 'fp32' as const;
  return {
    options: { environment, gpuOptions: { precision } },
    lost,
    release() {
      environment.delete();
      device.destroy();
    },
  };
}

function remove(tensors: Readonly<Record<string, LiteRtTensor>>): void {
  for (const tensor of Object.values(tensors)) tensor.delete();
}

function valuesFor({ name, dtype, shape }: TensorDetails, feed: TypedNumbers | undefined): Numbers {
  if (!feed) throw new Error(`The file's input "${name}" is none of the model's.`);
  if (feed.dims.length !== shape.length || feed.dims.some((d, i) => d !== shape[i]))
    throw new Error(`LiteRT has "${name}" as [${Array.from(shape)}] and was given [${feed.dims}].`);
  if (dtype === 'float32') return asFloats(feed.data);
  return dtype === 'int32'
    ? asIntegers(Int32Array, name, feed.data)
    : asIntegers(Uint8Array, name, feed.data);
}
