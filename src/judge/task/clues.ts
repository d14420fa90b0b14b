/** What rules look at to tell what a model is for: its ports without states, and what computes the outputs. */
import { pictureInput } from '../../data/picture-input.ts';
import { matchStates, tokensPort } from '../../data/text/decoder-ports.ts';
import { subgraphs } from '../../model/ir/attribute.ts';
import { isFloat } from '../../model/ir/dtype.ts';
import { dtypeOf, type Model, type Node, opKey, shapeOf, type Value } from '../../model/ir/model.ts';
import { type Port, portsOf } from '../../model/ir/port.ts';
import { formatShape, type Shape } from '../../model/ir/type.ts';
import { nodesOf } from '../../model/ir/walk.ts';
import { rewriting } from '../../model/ops/class-scores.ts';

export interface Answer {
  readonly name: string;
  readonly shape: Shape | null;
  readonly isFloat: boolean;
  readonly isInteger: boolean;
  /** What computes it, what only writes it in another form aside. */
  readonly producer: Node | null;
}

export interface Clues {
  readonly model: Model;
  readonly inputs: readonly Port[];
  /** Outputs but for states that the next run takes. */
  readonly answers: readonly Answer[];
  /** The input of token ids, if there is one. */
  readonly tokens: Port | null;
  /** The input that takes a picture, if there is one, with its layout and size. */
  readonly picture: ReturnType<typeof pictureInput>;
  /** Whether samples have class labels that the model may have. */
  readonly labelled: boolean;
  /** Names of classes that the model itself has. */
  readonly classes: readonly string[] | null;
  readonly hasOp: (...keys: readonly string[]) => boolean;
}

export function cluesOf(model: Model, labelled = false): Clues {
  const inputs = portsOf(model);
  const pictures = inputs.map(pictureInput).filter((p) => p !== null);
  const seen = inputs.filter((p) => p.shape?.length === 4);
  const ops = new Set([...nodesOf(model)].map((n) => n.opType));
  return {
    model,
    inputs,
    answers: answersOf(model, inputs),
    tokens: tokensPort(inputs),
    picture: seen.length === 1 || pictures.length === 1 ? (pictures[0] ?? null) : null,
    labelled,
    classes: inputs[0]?.classes ?? null,
    hasOp: (...keys) => keys.some((key) => ops.has(key)),
  };
}

function answersOf(model: Model, inputs: readonly Port[]): Answer[] {
  const outputs = model.graph.outputs.map((v) => ({
    name: v.name,
    dtype: dtypeOf(v) ?? 'float32',
    shape: shapeOf(v),
  })) as Port[];
  const states = new Set(matchStates(inputs, outputs).map(({ output }) => output));
  // What gives back nothing else is a reconstruction.
  const isAllStates = outputs.every(({ name }) => states.has(name));
  return model.graph.outputs.flatMap((v, i) => {
    const { name, shape, dtype } = outputs[i]!;
    if (states.has(name) && !isAllStates) return [];
    const isInteger = ['int64', 'int32', 'uint8', 'int8', 'bool'].includes(dtype);
    return [{ name, shape, isFloat: isFloat(dtype), isInteger, producer: computing(v) }];
  });
}

const moving: readonly string[] = [...rewriting, 'Transpose'];

/** The node that computes a value: behind what only moves it, and inside of a branch. */
export function computing(value: Value | null | undefined): Node | null {
  let at = value;
  for (;;) {
    const node: Node | null = at?.producer ?? null;
    if (node && moving.includes(opKey(node))) at = node.inputs[0];
    else if (node?.opType === 'If') at = subgraphs(node)[0]?.outputs[node.outputs.indexOf(at ?? null)];
    else return node;
  }
}

/** "scores [1,4420,2]" */
export const described = ({ name, shape }: Pick<Answer, 'name' | 'shape'>): string =>
  `${name} ${formatShape(shape)}`;

/** "a, b and c" */
export const listed = (texts: readonly string[]): string =>
  texts.length < 2 ? (texts[0] ?? '') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;

export const rankOf = ({ shape }: Pick<Answer, 'shape'>): number | null => shape?.length ?? null;

/** The last size where it is a number. */
export const widthOf = ({ shape }: Pick<Answer, 'shape'>): number | null => {
  const last = shape?.at(-1);
  return typeof last === 'number' ? last : null;
};

/** Elements of a sample, sizes of 1 left out: [N,1000,1,1] is a vector. null where a size is open. */
export function vectorWidth({ shape }: Pick<Answer, 'shape'>): number | null {
  if (!shape || shape.length < 1) return null;
  const wide = (shape.length > 1 ? shape.slice(1) : shape).filter((d) => d !== 1);
  if (wide.length === 0) return 1;
  const [only] = wide;
  return wide.length === 1 && typeof only === 'number' ? only : null;
}
