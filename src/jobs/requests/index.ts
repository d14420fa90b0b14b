/** What can be asked for, by command: for the page of options, and the parts of a configuration file. */
import type { z } from 'zod';
import { compressRequest, distillRequest, finetuneRequest } from '../../compress/request.ts';
import { bundleRequest } from './bundle.ts';
import { checkRequest } from './check.ts';
import { compareRequest } from './compare.ts';
import { convertRequest } from './convert.ts';
import { dataRequest } from './data.ts';
import { evaluateRequest } from './evaluate.ts';
import { generateRequest } from './generate.ts';
import { labRequest } from './lab.ts';
import { ortRequest } from './ort.ts';
import { profileRequest } from './profile.ts';
import { sweepRequest, workerRequest } from './sweep.ts';

export const requests = {
  compress: compressRequest,
  distill: distillRequest,
  finetune: finetuneRequest,
  bundle: bundleRequest,
  compare: compareRequest,
  check: checkRequest,
  convert: convertRequest,
  data: dataRequest,
  evaluate: evaluateRequest,
  generate: generateRequest,
  profile: profileRequest,
  lab: labRequest,
  ort: ortRequest,
  sweep: sweepRequest,
  worker: workerRequest,
} satisfies Readonly<Record<string, z.ZodObject>>;

/** A command that a configuration file may have a part for. */
export type Configured = keyof typeof requests;
