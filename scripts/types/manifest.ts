/** The manifest's types with all that zod infers written out: in the declarations of edgepress-runtime they stand
 *  for those of src/ship/emit/manifest.ts, so that a web app needs no zod. Never runs. */
import {
  fileSchema,
  manifestSchema,
  measurementSchema,
  variantSchema,
} from '../../src/ship/emit/manifest.ts';

const manifest = manifestSchema.parse(null);
const variant = variantSchema.parse(null);
const file = fileSchema.parse(null);
const measurement = measurementSchema.parse(null);

export type Manifest = typeof manifest;
export type Variant = typeof variant;
export type BundleFile = typeof file;
export type BundleMeasurement = typeof measurement;
