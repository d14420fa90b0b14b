/** The tables of what a .tflite file says of its use: a flatbuffer in the buffer that the entry TFLITE_METADATA names. Facts from
 *  tflite-support's metadata_schema.fbs (1.1.0). */
import type { FlatFields, FlatSchema } from '../flatbuffers/schema.ts';

/** The entry of the model's metadata that holds it. */
export const metadataEntry = 'TFLITE_METADATA';

/** Numbers of AssociatedFile.type. */
export const associatedFileTypes = [
  'UNKNOWN',
  'DESCRIPTIONS',
  'TENSOR_AXIS_LABELS',
  'TENSOR_VALUE_LABELS',
  'TENSOR_AXIS_SCORE_CALIBRATION',
  'VOCABULARY',
] as const;

/** Numbers of ImageProperties.colorSpace. */
export const colorSpaces = ['UNKNOWN', 'RGB', 'GRAYSCALE'] as const;

const tables = {
  ModelMetadata: {
    name: 'text',
    description: 'text',
    version: 'text',
    subgraphMetadata: '[SubGraphMetadata]',
    author: 'text',
    license: 'text',
    associatedFiles: '[AssociatedFile]',
    minParserVersion: 'text',
  },
  SubGraphMetadata: {
    name: 'text',
    description: 'text',
    inputTensorMetadata: '[TensorMetadata]',
    outputTensorMetadata: '[TensorMetadata]',
    associatedFiles: '[AssociatedFile]',
    inputProcessUnits: '[ProcessUnit]',
    outputProcessUnits: '[ProcessUnit]',
  },
  TensorMetadata: {
    name: 'text',
    description: 'text',
    dimensionNames: '[text]',
    content: 'Content',
    processUnits: '[ProcessUnit]',
    stats: 'Stats',
    associatedFiles: '[AssociatedFile]',
  },
  AssociatedFile: { name: 'text', description: 'text', type: '1', locale: 'text' },
  Content: { contentPropertiesType: '1', contentProperties: 'union', range: 'ValueRange' },
  FeatureProperties: {},
  ImageProperties: { colorSpace: '1', defaultSize: 'ImageSize' },
  BoundingBoxProperties: { index: 'v4', type: '1', coordinateType: '1' },
  ImageSize: { width: '4', height: '4' },
  ValueRange: { min: '4', max: '4' },
  ProcessUnit: { optionsType: '1', options: 'union' },
  NormalizationOptions: { mean: 'v4', std: 'v4' },
  ScoreCalibrationOptions: { scoreTransformation: '1', defaultScore: 'f4' },
  ScoreThresholdingOptions: { globalScoreThreshold: 'f4' },
  BertTokenizerOptions: { vocabFile: '[AssociatedFile]' },
  SentencePieceTokenizerOptions: {
    sentencePieceModel: '[AssociatedFile]',
    vocabFile: '[AssociatedFile]',
  },
  Stats: { max: 'v4', min: 'v4' },
} satisfies Record<string, FlatFields>;

export const metadataSchema: FlatSchema = {
  identifier: 'M001',
  root: 'ModelMetadata',
  tables,
  unions: {
    'Content.contentProperties': [undefined, 'FeatureProperties', 'ImageProperties', 'BoundingBoxProperties'],
    'ProcessUnit.options': [
      undefined,
      'NormalizationOptions',
      'ScoreCalibrationOptions',
      'ScoreThresholdingOptions',
      'BertTokenizerOptions',
      'SentencePieceTokenizerOptions',
    ],
  },
};
