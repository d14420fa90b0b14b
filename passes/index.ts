/** All passes, by name. Generated from the folder by scripts/build-pass-index.ts; not edited by hand. */
import type { Pass } from '../src/compress/pipeline/pass.ts';
import { clusterWeights } from './cluster-weights.ts';
import { collapseReshapes } from './collapse-reshapes.ts';
import { collapseTransposes } from './collapse-transposes.ts';
import { convertFloat16 } from './convert-float16.ts';
import { deduplicateInitializers } from './deduplicate-initializers.ts';
import { eliminateCommonSubexpressions } from './eliminate-common-subexpressions.ts';
import { eliminateDeadNodes } from './eliminate-dead-nodes.ts';
import { eliminateIdentities } from './eliminate-identities.ts';
import { eliminateOverridableInputs } from './eliminate-overridable-inputs.ts';
import { factorizeWeights } from './factorize-weights.ts';
import { foldConstants } from './fold-constants.ts';
import { fuseConvAdd } from './fuse-conv-add.ts';
import { fuseConvBatchnorm } from './fuse-conv-batchnorm.ts';
import { fuseConvMul } from './fuse-conv-mul.ts';
import { fuseMatmulAdd } from './fuse-matmul-add.ts';
import { fusePad } from './fuse-pad.ts';
import { inferShapesPass } from './infer-shapes.ts';
import { packSparseWeights } from './pack-sparse-weights.ts';
import { pruneBlocks } from './prune-blocks.ts';
import { pruneChannels } from './prune-channels.ts';
import { pruneWeights } from './prune-weights.ts';
import { quantizeBlockwise } from './quantize-blockwise.ts';
import { quantizeDynamic } from './quantize-dynamic.ts';
import { quantizeStatic } from './quantize-static.ts';
import { quantizeWeights } from './quantize-weights.ts';
import { stripInnerTypes } from './strip-inner-types.ts';
import { upgradeOpset } from './upgrade-opset.ts';

const all: readonly Pass[] = [
  clusterWeights,
  collapseReshapes,
  collapseTransposes,
  convertFloat16,
  deduplicateInitializers,
  eliminateCommonSubexpressions,
  eliminateDeadNodes,
  eliminateIdentities,
  eliminateOverridableInputs,
  factorizeWeights,
  foldConstants,
  fuseConvAdd,
  fuseConvBatchnorm,
  fuseConvMul,
  fuseMatmulAdd,
  fusePad,
  inferShapesPass,
  packSparseWeights,
  pruneBlocks,
  pruneChannels,
  pruneWeights,
  quantizeBlockwise,
  quantizeDynamic,
  quantizeStatic,
  quantizeWeights,
  stripInnerTypes,
  upgradeOpset,
];

export const passes: ReadonlyMap<string, Pass> = new Map(all.map((pass) => [pass.name, pass]));
