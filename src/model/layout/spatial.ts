/** Operators over batch, channels and space, as ONNX has them: [N, C, …space]. */
import { channelsLastDomain } from '../ir/internal-domain.ts';
import { type Node, opKey, shapeOf } from '../ir/model.ts';

const windows = ['MaxPool', 'AveragePool', 'LpPool', 'GlobalMaxPool', 'GlobalAveragePool', 'GlobalLpPool'];
const products = ['Conv', 'ConvInteger', 'QLinearConv', 'ConvTranspose'];
const normalizations = ['BatchNormalization', 'InstanceNormalization', 'GroupNormalization', 'LRN'];
const movements = ['DepthToSpace', 'SpaceToDepth', 'Resize', 'Upsample', 'GridSample'];

/** Their first input is such a tensor, and every output of the same rank. */
const spatial: ReadonlySet<string> = new Set([...windows, ...products, ...normalizations, ...movements]);

/** The same, marked as computing on channels-last tensors. */
export const isChannelsLast = (node: Node): boolean => node.domain === channelsLastDomain;

/** Whether the node is one that has a channels-last form. Matrices have no space. */
export const isSpatial = (node: Node): boolean =>
  spatial.has(opKey(node)) && (shapeOf(node.inputs[0])?.length ?? 3) > 2;

/** [N, …space, C] from [N, C, …space]. */
export const toChannelsLast = (rank: number): number[] => [0, ...range(2, rank), 1];

/** [N, C, …space] from [N, …space, C]. */
export const toChannelsFirst = (rank: number): number[] => [0, rank - 1, ...range(1, rank - 1)];

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
