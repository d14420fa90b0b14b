/** Inputs and outputs of what is written in the type that was asked for. */
import { preprocessingSchema } from '../data/preprocess.ts';
import type { DataSource } from '../data/source.ts';
import { formatOfName } from '../model/formats/index.ts';
import { type OpenedModel, openedModel } from '../model/formats/opened.ts';
import { tfliteFormat } from '../model/formats/tflite/format.ts';
import { isBatchOpen, requireSizes } from '../model/formats/tflite/write/sizes.ts';
import { preprocessingOf, setPreprocessing } from '../model/ir/card.ts';
import { cloneModel } from '../model/ir/clone.ts';
import type { Model } from '../model/ir/model.ts';
import { outputPortsOf, portsOf } from '../model/ir/port.ts';
import { type LeftPort, withIoTypes } from '../model/rewrite/io-types.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { tfliteIo } from '../support/diagnostics/tflite-writing.ts';
import type { IoType } from '../support/io-type.ts';

interface PortsRequest {
  readonly io?: IoType | undefined;
  readonly openBatch?: boolean | undefined;
}

/** @throws OPTION_WITHOUT_EFFECT where another format is written, or no batch is open */
export function checkPorts({ io, openBatch }: PortsRequest, output: string, model: Model): void {
  const option = io !== undefined ? '--io' : openBatch ? '--open-batch' : null;
  if (option && formatOfName(output) !== tfliteFormat)
    throw optionWithoutEffect(option, 'a .tflite file to write (-o model.tflite or --format tflite)');
  if (openBatch && !isBatchOpen(model))
    throw optionWithoutEffect('--open-batch', 'an input whose batch is open');
}

/** @throws TFLITE_SIZE where a .tflite file is written and sizes other than the batch are open */
export function checkSizes(output: string, model: Model): void {
  if (formatOfName(output) === tfliteFormat) requireSizes(model);
}

/** @returns the same model where nothing changes; a sentence for each input and output that stays as it is
 *  @throws TFLITE_IO where all do */
export function typedPorts(model: Model, io: IoType | undefined): { model: Model; remarks: string[] } {
  if (io === undefined) return { model, remarks: [] };
  const { model: typed, typed: named, left } = withIoTypes(model, io);
  const remarks = left.map((port) => remarkOn(port, io));
  if (named.length === 0) throw tfliteIo(io, remarks);
  return { model: typed, remarks };
}

/** Integers don't say how a picture becomes them: a file that takes them says it, as surely as it is known, for the pictures that
 *  ranges were found on. @returns a changed copy, or the same model */
export function withPreparation(model: Model, io: IoType | undefined, source: DataSource | undefined): Model {
  const { preprocessing, preprocessingGuessed, preprocessingTrial } = source ?? {};
  const isKnown = !preprocessingGuessed || preprocessingTrial?.by === 'labels';
  if (io === undefined || io === 'float' || !preprocessing || !isKnown) return model;
  if (preprocessingOf(model) !== undefined) return model;
  const told = cloneModel(model);
  const keys = new Set(Object.keys(preprocessingSchema.shape));
  const spec = Object.entries(preprocessing).filter(([key]) => keys.has(key));
  setPreprocessing(told, Object.fromEntries(spec));
  return told;
}

/** Outputs in real numbers, and inputs in those in which the other model has them, as far as scales say what integers stand for:
 *  as two models are fed and compared. @returns the same model where nothing changes */
export function alike(opened: OpenedModel, other?: OpenedModel): OpenedModel {
  const { model, name, format, files } = opened;
  const theirs = new Map((other ? portsOf(other.model) : []).map((port) => [port.name, port.dtype]));
  const inputs = portsOf(model).filter((port) => theirs.get(port.name)?.startsWith('float'));
  const among = new Set([...inputs, ...outputPortsOf(model)].map((port) => port.name));
  const { model: real } = withIoTypes(model, 'float', among);
  if (real === model) return opened;
  return openedModel({ name, format: { ...format, runnable: false }, model: real, files: () => files });
}

const remarkOn = ({ side, name, why }: LeftPort, io: IoType) =>
  `${side === 'input' ? 'Input' : 'Output'} "${name}" is not made ${io}: ${why}.`;
