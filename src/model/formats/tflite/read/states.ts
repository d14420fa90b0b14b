/** What a run leaves to the next, as ONNX has it: an input, zeros at the first run, and an output that goes in there at the next. */
import { addInput, createValue } from '../../../ir/edit.ts';
import type { Model, Value } from '../../../ir/model.ts';
import { freshName } from '../../../ir/names.ts';
import type { ValueType } from '../../../ir/type.ts';
import { addNamedOutput, type Emitter } from '../../emit/index.ts';

export interface States {
  /** What a state holds by now. @param key  the same for all that share it @param type  of an input for it */
  read(key: unknown, name: string, type: ValueType): Value;
  write(key: unknown, name: string, value: Value): void;
  /** Makes outputs of what was written. */
  finish(e: Emitter): void;
}

export function createStates(model: Model): States {
  const held = new Map<unknown, Value>();
  const inputs = new Set<unknown>();
  const written = new Map<unknown, string>();
  return {
    read(key, name, type) {
      const value = held.get(key) ?? addInput(model.graph, createValue(model.names, name, type));
      if (!held.has(key)) inputs.add(key);
      held.set(key, value);
      return value;
    },
    write(key, name, value) {
      held.set(key, value);
      written.set(key, name);
    },
    finish(e) {
      // What no run reads before it is written doesn't come from the run before.
      for (const [key, name] of written) {
        if (!inputs.has(key)) continue;
        const port = freshName(model.names, `${name}/next`);
        addNamedOutput(e.at('output', port), port, held.get(key)!);
      }
    },
  };
}
