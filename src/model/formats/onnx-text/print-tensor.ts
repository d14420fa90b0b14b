/** Types and tensor constants as text. */
import { dtypes } from '../../ir/dtype.ts';
import { elementCount, sizeBytes, type Tensor, typedArray, unpack } from '../../ir/tensor.ts';
import type { Shape, ValueType } from '../../ir/type.ts';
import type { PlaceExternal } from '../onnx/tensors.ts';
import { keepExternal } from '../onnx/write.ts';
import { float32Text, float64Text } from './float-text.ts';
import { textFromBytes } from './text-bytes.ts';
import { dtypeWord, isIdentifier, quoted } from './vocabulary.ts';

export function typeText(type: ValueType | null): string {
  switch (type?.kind) {
    case 'tensor':
      return dtypeWord(type.dtype) + shapeText(type.shape);
    case 'sparse':
      return `sparse_tensor(${dtypeWord(type.dtype)}${shapeText(type.shape)})`;
    case 'sequence':
      return `seq(${typeText(type.element)})`;
    case 'optional':
      return `optional(${typeText(type.element)})`;
    case 'map':
      return `map(${dtypeWord(type.key)}, ${typeText(type.value)})`;
    default:
      return '';
  }
}

/** `[]` is an unknown rank; a scalar has nothing. */
function shapeText(shape: Shape | null): string {
  if (shape?.length === 0) return '';
  const dims = (shape ?? []).map((d) =>
    typeof d === 'string' ? (isIdentifier(d) ? d : quoted(d)) : String(d ?? '?'),
  );
  return `[${dims.join(',')}]`;
}

export interface PrintTensorOptions {
  /** Tensors with more elements end in `…`; such a text is for reading, not for parsing. Default: all elements. */
  readonly maxElements?: number;
  /** Where tensors lie whose elements are not to be printed. Default: those in external data stay there. */
  readonly place?: PlaceExternal;
}

export const tensorTypeText = (t: Tensor) => dtypeWord(t.dtype) + shapeText(t.dims);

/** `{1, 2}`, or the place of external data. With `maxElements`, the elements after those are elided as `…`. */
export function tensorContentText(t: Tensor, options: PrintTensorOptions = {}): string {
  const { maxElements = Number.POSITIVE_INFINITY, place = keepExternal } = options;
  const at = t.strings ? undefined : place(t, '');
  if (at) {
    const { location, offset, length } = at;
    return `["location": ${quoted(location)}, "offset": "${offset}", "length": "${length}"]`;
  }
  const elements = elementTexts(t, maxElements);
  const all = elementCount(t.dims) * (dtypes[t.dtype].kind === 'complex' ? 2 : 1);
  return `{${elements.join(', ')}${elements.length < all ? ', …' : ''}}`;
}

function elementTexts(t: Tensor, limit: number): string[] {
  if (t.strings) return t.strings.slice(0, limit).map((s) => quoted(textFromBytes(s)));
  if (dtypes[t.dtype].bits < 8) return unpack(t).slice(0, limit).map(String);
  if (t.dtype === 'float32' || t.dtype === 'complex64') return floatTexts(t, 4, limit);
  if (t.dtype === 'float64' || t.dtype === 'complex128') return floatTexts(t, 8, limit);
  return Array.from(typedArray(t).slice(0, limit) as ArrayLike<number | bigint>, String);
}

function floatTexts(t: Tensor, size: 4 | 8, limit: number): string[] {
  const bytes = t.bytes();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = Math.min(limit, sizeBytes(t) / size);
  return Array.from({ length: count }, (_, i) => {
    const v = size === 4 ? view.getFloat32(i * size, true) : view.getFloat64(i * size, true);
    if (Number.isNaN(v)) return view.getInt8((i + 1) * size - 1) < 0 ? '-nan' : 'nan';
    return size === 4 ? float32Text(v) : float64Text(v);
  });
}
