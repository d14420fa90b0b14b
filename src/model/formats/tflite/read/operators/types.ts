/** Changes of an element's type. */
import { cast } from '../../../emit/index.ts';
import { dtypeOfTensor } from '../tensor.ts';
import { inputOf, type Operator, type OperatorTable } from './operator.ts';

/** The numbers stay; what is quantised by then is the scope's to do. Half precision becomes single. */
const real: Operator = (call) => cast(call.e, inputOf(call, 0), 'float32');

/** Of the integers themselves, whatever they stand for. */
const converted: Operator = (call) => {
  const { e, outputTensors } = call;
  const dtype = outputTensors[0] && dtypeOfTensor(outputTensors[0]);
  return cast(e, call.stored(0) ?? e.refuse('it has no input'), dtype ?? e.refuse('the type of its output'));
};

/** Only its own converter knows a constant apart: the content is dense by now. */
const densified: Operator = (call) => inputOf(call, 0);

export const typeOperators: OperatorTable = {
  CAST: converted,
  QUANTIZE: real,
  DEQUANTIZE: real,
  DENSIFY: densified,
};
