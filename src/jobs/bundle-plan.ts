/** Which variants a bundle tries to offer: what each kind of device runs best. */
import { type PresetName, preset } from '../compress/compress.ts';
import type { Recipe } from '../compress/pipeline/recipe.ts';
import type { EngineName } from '../compute/engine/contract.ts';
import type { Model } from '../model/ir/model.ts';
import { sizeBytes, type Tensor } from '../model/ir/tensor.ts';
import { initializersOf, nodesOf } from '../model/ir/walk.ts';
import { storedWeight } from '../model/ops/stored-weight.ts';
import { weightsOf } from '../model/ops/weights.ts';
import type { Variant } from '../ship/emit/manifest.ts';
import type { RuntimeBuild } from '../ship/profile/runtime-sizes.ts';
import { type BundleRequest, usualTargets } from './requests/bundle.ts';

type BundleTarget = NonNullable<BundleRequest['targets']>[number];

export interface VariantPlan
  extends Pick<Variant, 'name' | 'precision' | 'providers' | 'format' | 'requires'> {
  /** Named as transformers.js looks for them. */
  readonly file: string;
  readonly recipe: Recipe;
  /** What a page loads to run it; null outside of pages. */
  readonly runtime: RuntimeBuild | null;
  /** Where it has to agree with the original; variants for WebGPU are compared in a browser as well. */
  readonly engine: EngineName;
  /** Whether the bundle fails where its format has no form for the model. */
  readonly isAskedFor?: boolean;
}

interface VariantFacts {
  readonly hasData: boolean;
  /** Share of the weights that 4 bits are for, 0 to 1: see productShare. */
  readonly productShare: number;
}

/** In products, 4 bits a weight are worth it only where most of the bytes are. */
const leastProductShare = 0.6;

/** Best first for each target; the float model is last and runs everywhere.
 *  @param asked  targets that were asked for by name; without, the usual ones */
export function planVariants(asked: readonly BundleTarget[] | undefined, facts: VariantFacts): VariantPlan[] {
  const targets = asked ?? usualTargets;
  const wants = (target: BundleTarget) => targets.includes(target);
  const int8 = facts.hasData ? 'int8-static' : 'int8-dynamic';
  const plans: VariantPlan[] = [];
  if (wants('webgpu')) {
    if (facts.productShare > leastProductShare) {
      plans.push({ ...gpu('webgpu-q4f16', 'q4f16', 'q4f16'), requires: ['webgpu', 'shader-f16'] });
      plans.push(gpu('webgpu-q4', 'q4', 'q4'));
    }
    plans.push({ ...gpu('webgpu-fp16', 'float16', 'fp16'), requires: ['webgpu', 'shader-f16'] });
  }
  if (wants('wasm'))
    plans.push({
      ...onnx('wasm-int8', 'int8', 'quantized', recipeOf(int8, 'wasm')),
      providers: ['wasm'],
      runtime: 'onnxruntime-web/wasm',
      engine: 'wasm',
    });
  if (wants('node'))
    plans.push({
      ...onnx('node-int8', 'int8', 'int8', recipeOf(int8, 'node')),
      providers: ['cpu'],
      runtime: null,
      engine: 'node',
    });
  if (wants('mobile'))
    plans.push({
      ...onnx('mobile-int8', 'int8', 'quantized', recipeOf(int8, 'mobile')),
      file: 'onnx/model_quantized.ort',
      format: 'ort',
      providers: ['cpu'],
      runtime: null,
      engine: 'node',
    });
  const others = targets.some((t) => t !== 'tfjs' && t !== 'litert');
  return [
    ...plans,
    ...(others ? [floatPlan(wants)] : []),
    ...(wants('litert') ? litertPlans(facts, wants('webgpu'), asked !== undefined) : []),
    ...(wants('tfjs') ? tfjsPlans() : []),
  ];
}

/** What a page that has LiteRT.js runs. */
function litertPlans({ hasData }: VariantFacts, hasGpu: boolean, isAskedFor: boolean): VariantPlan[] {
  const plan = (name: string, precision: VariantPlan['precision'], recipe: PresetName): VariantPlan => ({
    ...{ name, precision, recipe: recipeOf(recipe, 'litert'), file: `${name}/model.tflite` },
    ...{ format: 'litert', requires: [], providers: ['wasm'], isAskedFor },
    runtime: '@litertjs/core',
    engine: 'wasm',
  });
  return [
    plan('litert-int8', 'int8', hasData ? 'int8-static' : 'int8-dynamic'),
    { ...plan('litert', 'float32', 'clean'), providers: hasGpu ? ['wasm', 'webgpu'] : ['wasm'] },
  ];
}

/** Behind the others: which of both runtimes a page takes is decided by what is measured. Half floats are float32 again as soon as
 *  they are loaded: half the download, for models that 8 bits are too few for. */
function tfjsPlans(): VariantPlan[] {
  const plan = (name: string, precision: 'float32' | 'float16' | 'uint8', recipe: Recipe): VariantPlan => ({
    ...{ name, precision, recipe, file: `${name}/model.json`, format: 'tfjs', requires: [] },
    providers: ['wasm'],
    runtime: '@tensorflow/tfjs-backend-wasm',
    engine: 'wasm',
  });
  return [
    plan('tfjs-uint8', 'uint8', recipeOf('int8-weights', 'tfjs')),
    plan('tfjs-float16', 'float16', recipeOf('float16', 'tfjs')),
    plan('tfjs', 'float32', recipeOf('clean', 'tfjs')),
  ];
}

function floatPlan(wants: (target: BundleTarget) => boolean): VariantPlan {
  const inPage = wants('wasm') || wants('webgpu');
  return {
    ...onnx('float', 'float32', '', recipeOf('clean', inPage ? 'wasm' : 'node')),
    providers: [
      ...(wants('webgpu') ? (['webgpu'] as const) : []),
      ...(inPage ? (['wasm'] as const) : []),
      ...(wants('node') || wants('mobile') ? (['cpu'] as const) : []),
    ],
    runtime: inPage ? 'onnxruntime-web/wasm' : null,
    engine: inPage ? 'wasm' : 'node',
  };
}

const gpu = (name: string, precision: 'float16' | 'q4' | 'q4f16', suffix: string): VariantPlan => ({
  ...onnx(name, precision, suffix, recipeOf(precision, 'webgpu')),
  providers: ['webgpu'],
  requires: ['webgpu'],
  runtime: 'onnxruntime-web/webgpu',
  engine: 'node',
});

const onnx = (name: string, precision: Variant['precision'], suffix: string, recipe: Recipe) => ({
  name,
  precision,
  recipe,
  file: `onnx/model${suffix && `_${suffix}`}.onnx`,
  format: 'onnx' as const,
  requires: [] as VariantPlan['requires'],
});

/** What pages compute in, whichever runtime they have, is planned for wasm. */
const recipeOf = (name: PresetName, target: BundleTarget): Recipe => ({
  ...preset(name),
  target: target === 'tfjs' ? 'wasm' : target,
});

/** Share of the weight bytes that products read which can be stored in blocks. */
export function productShare(model: Model): number {
  const products = new Set<Tensor>();
  for (const node of nodesOf(model)) {
    const found = weightsOf(node, 'blockwise');
    for (const { role, index } of found.kind === 'known' ? found.weights : []) {
      const weight = role === 'product' ? storedWeight(node.inputs[index]) : null;
      if (weight) products.add(weight.tensor);
    }
  }
  let all = 0;
  for (const { value } of initializersOf(model)) all += sizeBytes(value.constant!);
  const inProducts = [...products].reduce((sum, t) => sum + sizeBytes(t), 0);
  return all === 0 ? 0 : inProducts / all;
}
