/** Reads an .ort file into plain values: see schema.ts for what they are. */
import { ortDamaged } from '../../../support/diagnostics/model-files.ts';
import { hasIdentifier } from '../flatbuffers/checked.ts';
import { readFlatbuffer } from '../flatbuffers/read.ts';
import type { FlatTable } from '../flatbuffers/schema.ts';
import { ortSchema } from './schema.ts';

/** Whether the bytes carry the mark of the format. */
export const isOrt = (bytes: Uint8Array) => hasIdentifier(bytes, ortSchema.identifier);

/** @returns the root table, InferenceSession
 *  @throws ORT_DAMAGED when the bytes are no .ort file, or a cut or corrupted one */
export const readOrt = (bytes: Uint8Array): FlatTable => readFlatbuffer(bytes, ortSchema, ortDamaged);
