/** From what somebody gave to a complete request, or to the reason why it can't be carried out, whatever the model. */
import { modeNeedsData } from '../support/diagnostics/quantization.ts';
import { studentMissing, trainingNeedsData } from '../support/diagnostics/training.ts';
import { parseRequest, type Spelling } from '../support/parse-request.ts';
import { refuseIdle } from './refuse-idle.ts';
import {
  type CompressRequest,
  type CompressRequestInit,
  compressRequest,
  type DistillRequest,
  type DistillRequestInit,
  distillRequest,
  type FinetuneRequest,
  type FinetuneRequestInit,
  finetuneRequest,
} from './request.ts';

/** @param given  as asked for; a recipe stands in it as such, not as a path
 *  @throws what parseRequest throws, TRAINING_NEEDS_DATA, CALIBRATION_REQUIRED, OPTION_WITHOUT_EFFECT */
export function checkCompress(given: CompressRequestInit, spelling: Spelling = 'field'): CompressRequest {
  const request = parseRequest(compressRequest, given, spelling);
  const { distill, finetune, int8, data } = request;
  if ((finetune || distill) && data === undefined) throw trainingNeedsData(finetune ? 'finetune' : 'distil');
  refuseIdle(compressRequest, given, request, spelling);
  if (int8 === 'static' && data === undefined) throw modeNeedsData(int8);
  return request;
}

/** @throws what parseRequest throws, STUDENT_MISSING when nothing would differ from the teacher, OPTION_WITHOUT_EFFECT */
export function checkDistill(given: DistillRequestInit, spelling: Spelling = 'field'): DistillRequest {
  const request = parseRequest(distillRequest, given, spelling);
  const { student, width, layers } = request;
  if (student === undefined && width === undefined && layers === undefined) throw studentMissing();
  refuseIdle(distillRequest, given, { ...request, distill: true }, spelling);
  return request;
}

/** @throws what parseRequest throws, OPTION_WITHOUT_EFFECT */
export function checkFinetune(given: FinetuneRequestInit, spelling: Spelling = 'field'): FinetuneRequest {
  const request = parseRequest(finetuneRequest, given, spelling);
  refuseIdle(finetuneRequest, given, { ...request, finetune: true }, spelling);
  return request;
}
