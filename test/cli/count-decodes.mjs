/** Loaded before the program (--import): writes a line into the file $DECODES for every ONNX file that the process, or one
 *  that it starts, decodes. onnx-proto is what decodes them all. */
import childProcess from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import onnxProto from 'onnx-proto';

const { ModelProto } = onnxProto.onnx;
const { decode } = ModelProto;
ModelProto.decode = (reader, length) => {
  const model = decode(reader, length);
  appendFileSync(process.env.DECODES, `${model.producerName || 'unnamed'} ${reader.len}\n`);
  return model;
};

const { fork } = childProcess;
childProcess.fork = (script, ...rest) => {
  const options = rest.at(-1);
  const env = { ...options.env, NODE_OPTIONS: process.env.NODE_OPTIONS };
  return fork(script, ...rest.slice(0, -1), { ...options, env });
};
syncBuiltinESMExports();
