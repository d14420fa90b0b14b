/** onnxruntime's error texts as sentences: no C++ paths, no status codes; op and node kept; memory recognised. */
import type { DiagnosticKind } from '../../support/diagnostics.ts';

export interface Reason {
  readonly text: string;
  readonly kind: DiagnosticKind;
  readonly hint?: string | undefined;
}

/** @param engine  'wasm' explains numbers and aborts, which is all that build says when memory ends */
export function explain(error: unknown, engine: string): Reason {
  const raw = error instanceof Error ? error.message : String(error);
  if (isMemory(error, raw))
    return engine === 'wasm'
      ? { text: wasmMemory, kind: 'environment', hint: memoryHint }
      : { text: 'it ran out of memory.', kind: 'environment', hint: 'Use a smaller batch or input.' };
  if (isAbort(error, raw))
    return {
      text: `the WebAssembly runtime stopped (${raw}); most often it ran out of memory.`,
      kind: 'environment',
      hint: memoryHint,
    };
  const text = clean(raw);
  for (const { pattern, kind, say, hint } of known) {
    const found = pattern.exec(text);
    if (found) return { text: say ? say(found) : text, kind, hint };
  }
  return { text, kind: 'user' };
}

interface Known {
  readonly pattern: RegExp;
  readonly kind: DiagnosticKind;
  readonly say?: (found: RegExpExecArray) => string;
  readonly hint?: string | undefined;
}

const wasmMemory =
  'it ran out of memory. WebAssembly has at most 4 GB for model, activations and working space.';
const largerTargets = '--target webgpu, or --target node (npm install onnxruntime-node)';
const memoryHint = `Use a smaller batch or input, or a target that holds more: ${largerTargets}.`;
const operatorHint =
  'Operators outside ai.onnx need a runtime that was built with them; export the model without them.';

const at = (name: string | undefined) => (name ? ` (node "${name}")` : '');

const known: readonly Known[] = [
  {
    pattern: /Failed to get a WebGPU adapter/,
    kind: 'environment',
    say: () => 'this machine offers no WebGPU adapter.',
    hint: 'Leave out --gpu, or install a Vulkan, Metal or Direct3D 12 driver.',
  },
  {
    pattern: /Could not find an implementation for ([\w.:]+)\((\d+)\) node with name '([^']*)'/,
    kind: 'unsupported',
    say: (m) => `it has no kernel for ${m[1]} of opset ${m[2]} with the element types used here${at(m[3])}.`,
    hint: 'Export the model with another opset or with float32 there.',
  },
  {
    pattern: /(?:In Node, \("?([^",]*)"?,.*)?No Op registered for ([\w.]+) with domain_version of (\d+)/,
    kind: 'unsupported',
    say: (m) => `it does not know the operator ${m[2]} in opset ${m[3]}${at(m[1])}.`,
    hint: operatorHint,
  },
  {
    pattern: /([\w.]+):([\w.]+)\((-?\d+)\) is not a registered function\/op/,
    kind: 'unsupported',
    say: (m) => `it does not know the operator ${m[1]}:${m[2]}.`,
    hint: operatorHint,
  },
  {
    pattern: /Opset (\d+) is under development.*domain (\S+) is till opset (\d+)/,
    kind: 'unsupported',
    say: (m) => `it is of opset ${m[1]} of ${m[2]}; this runtime knows opsets up to ${m[3]}.`,
    hint: 'Export the model with a lower opset.',
  },
  {
    pattern: /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    kind: 'unsupported',
    say: (m) => `it has IR version ${m[1]}; this runtime knows versions up to ${m[2]}.`,
    hint: 'Save the model with a lower IR version.',
  },
  {
    pattern: /unsupported data type: (\d+)/i,
    kind: 'unsupported',
    say: (m) => `an input or output has element type ${m[1]}, which onnxruntime's JavaScript can't carry.`,
  },
  {
    pattern: /protobuf parsing failed|Model data pointer is null|No graph was found in the protobuf/i,
    kind: 'user',
    say: () => 'the bytes are not an ONNX model.',
    hint: 'The file may be truncated or of another format.',
  },
  {
    pattern: /Integer overflow/,
    kind: 'environment',
    say: () => 'a tensor is larger than its memory can address.',
    hint: `WebAssembly has at most 4 GB; use a target that holds more: ${largerTargets}.`,
  },
  {
    pattern: /Load model from (.+?) failed:.*(File doesn't exist|No such file)/,
    kind: 'user',
    say: (m) => `there is no file ${m[1]}.`,
  },
  { pattern: /NOT_IMPLEMENTED|not implemented|not supported|unsupported/i, kind: 'unsupported' },
];

/** Strips wrappers, status codes, and the C++ source line with its function signature and failed condition. */
function clean(raw: string): string {
  const text = withoutSource(
    raw
      .replace(/^Can't create a session\.\s*/, '')
      .replace(/^failed to call OrtRun\(\)\.\s*/, '')
      .replace(/ERROR_CODE: \d+, ERROR_MESSAGE: /, '')
      .replace(/\[ONNXRuntimeError\] : \d+ : /, ''),
  )
    .replace(
      /Non-zero status code returned while running (\w+) node\. Name:'([^']*)' Status Message: /,
      runAt,
    )
    .replace(/\s+/g, ' ')
    .trim();
  return text || 'it gave no reason.';
}

const runAt = (_: string, op: string, name: string) => `${op}${at(name)}: `;

/** "…/reshape_helper.h:84 Foo::Foo(const Bar&) size % 4 == 0 was false. Message" → "Message" */
function withoutSource(text: string): string {
  const source = /\S+\.(?:cc|cpp|h|hpp):\d+ /.exec(text);
  if (!source) return text;
  const before = text.slice(0, source.index);
  const rest = text.slice(source.index + source[0].length);
  const message = rest.slice(signatureLength(rest)).replace(/^(?: const| \[[^\]]*\])+/, '');
  return before + message.replace(/^.*? was false\. ?/s, '').trimStart();
}

/** Length up to the parenthesis that closes the first parameter list. */
function signatureLength(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    if (text[i] === ')' && --depth === 0) return i + 1;
  }
  return 0;
}

const isMemory = (error: unknown, raw: string) =>
  /bad_alloc|out of memory|failed to allocate|bad allocation|Cannot enlarge memory|Array buffer alloc/i.test(
    raw,
  ) ||
  (error instanceof RangeError && /memory|length|allocation/i.test(raw));

const isAbort = (error: unknown, raw: string) =>
  typeof error === 'number' ||
  /^-?\d+$/.test(raw) ||
  /^(Aborted|abort)\b|\bRuntimeError\b|unreachable/i.test(raw);
